"""Each fault of a priors file, and the line that a user reads of it."""
# ruff: noqa: E501, ISC004 - a message stands whole

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sampled import sampled

from simulate.errors import SimulateError, is_slip, suggestion
from simulate.priors import PriorsError, load_priors
from simulate.settings import Settings

PUE = '[priors.pue]\ndist = "lognormal"\np5 = 1.1\np95 = 1.5\nshift = 1\n'
STEP = '[priors.mfu_step]\ndist = "uniform"\nlower = 0.3\nupper = 0.5\n'
VISITORS = '[priors.visitors_per_day]\ndist = "lognormal"\np5 = 1e6\np95 = 2e6\n'

# The message of faulty.toml; one that ends in … goes on in the words of another module.
FAULTS = {
    # --- the file as a whole
    "empty": (" \n\n", "1: the file is empty; write [priors.NAME] tables in it"),
    "comments alone": ("# nothing yet\n", "1: states no priors; add [priors.NAME] tables"),
    "title alone": ('title = "x"\n', "1: states no priors; add [priors.NAME] tables"),
    # --- syntax
    "open bracket": (
        "\n[priors.pue\nvalue = 1\n",
        "2: TOML: column 12: the name of a table ends here, without its ]; write it as [priors.pue], …",
    ),
    "text without quotes": (
        "[priors.pue]\ndist = lognormal\n",
        "2: TOML: column 8: no value begins so, and text stands in quotes; numbers look like 0.5, 3e6, 1_000",
    ),
    "key twice": (
        "[priors.pue]\nvalue = 1.1\nvalue = 1.2\n",
        "3: TOML: column 12: the key has a value already; keep one",
    ),
    "table twice": (
        "[priors.pue]\nvalue = 1.1\n\n[priors.pue]\nvalue = 1.2\n",
        "4: TOML: column 12: the table [priors.pue] is given twice; keep one",
    ),
    "open quotes": ('[priors.pue]\nnote = """a\n', "2: TOML: quotes are left open; close the quotes"),
    "a number of 5000 digits": ("a = " + "9" * 5000 + "\n", "1: a number of 5,000 characters is longer than …"),
    # --- texts that no file of results holds
    **{
        f"NUL in {name}": (text.replace("NUL", "\\u0000"), f"{place}: must be text without the character NUL, not …")
        for name, text, place in (
            ("the title", PUE.replace("[", 'title = "aNUL"\n[', 1), "1: title"),
            ("the label of a prior", PUE + 'label = "aNULb"\n', "6: priors.pue.label"),
            (
                "the label of a quantity",
                PUE + '[quantities.x]\nformula = "pue"\nlabel = "NUL"\n',
                "8: quantities.x.label",
            ),
            ("a unit", PUE + '[quantities.x]\nformula = "pue"\nunit = "NUL"\n', "8: quantities.x.unit"),
            ("a source", PUE + 'source = "NUL"\n', "6: priors.pue.source"),
            (
                "a published source",
                PUE + '[[published]]\nquantity = "pue"\nvalue = 1\nsource = "NUL"\n',
                "9: published.source",
            ),
            ("the name of a choice", PUE + '[choices."aNUL".priors.pue]\nupper = 3\n', '6: choices."a\\x00"'),
            ("the label of a choice", PUE + '[choices.a]\nlabel = "NUL"\n', "7: choices.a.label"),
        )
    },
    "NUL in the name of a data file": (
        '[priors.pue]\ndist = "empirical"\nfile = "a\\u0000"\ncolumn = "x"\n',
        "3: priors.pue.file: holds the character NUL, which nothing is named by; take it out",
    ),
    # --- unknown keys
    "unknown key on top": ('titel = "x"\n' + PUE, "1: titel: unknown key; did you mean title?"),
    "misspelt table below a comment": (
        "# my file\n[prior.pue]\nvalue = 1.1\n",
        "2: prior: unknown key; did you mean priors?",
    ),
    "table of another program": ("# x\n\n[inputs.pue]\nvalue = 1.1\n", "3: inputs: unknown key; write priors"),
    "quantiles": (PUE + "[run]\nquantiles = [5, 95]\n", "7: run.quantiles: unknown key; write percentiles"),
    "samples": (PUE + "[run]\nsamples = 1000\n", "7: run.samples: unknown key; write scenarios"),
    "family under another name": (
        '[priors.pue]\ntype = "lognormal"\np5 = 1\np95 = 2\n',
        "2: priors.pue.type: unknown key; write dist",
    ),
    "values without a family": (
        "[priors.pue]\nvalues = [1, 2]\n",
        '1: priors.pue: dist is missing; add dist = "lognormal" or another family, or value = NUMBER',
    ),
    "a rate": (
        '[priors.pue]\ndist = "gamma"\nshape = 2\nrate = 3\n',
        "4: priors.pue.rate: unknown key; write scale = 1 / rate",
    ),
    "prior without priors": ("[pue]\nvalue = 1.1\n", "1: pue: unknown table; a prior is written [priors.pue]"),
    "key below a table": (
        PUE + '[run]\ntitle = "x"\n',
        "7: run.title: unknown key here; move it to the top of the file, above the first [table]",
    ),
    "unknown key of run": (PUE + "[run]\nscenario = 3\n", "7: run.scenario: unknown key; did you mean scenarios?"),
    "unknown scheme": (
        PUE + '[run]\nscheme = "sobl"\n',
        "7: run.scheme: there is no scheme 'sobl'; did you mean sobol?",
    ),
    "unknown key of a quantity": (
        PUE + '[quantities.x]\nformla = "pue"\n',
        "7: quantities.x.formla: unknown key; did you mean formula?",
    ),
    "unknown key of a figure": (
        PUE + '[[published]]\nquantity = "capex"\nvalue = 3\nlink = "x"\n',
        "9: published.link: unknown key; write source",
    ),
    "unknown parameter": (PUE + "scale = 3\n", "6: priors.pue.scale: …"),
    "misspelt source": (PUE + 'soruce = "x"\n', "6: priors.pue.soruce: unknown key; did you mean source?"),
    "misspelt dist": ('[priors.pue]\ndits = "lognormal"\n', "2: priors.pue.dits: unknown key; did you mean dist?"),
    # --- families and quantities
    "unknown family": (
        '[priors.pue]\ndist = "lognormall"\np5 = 1\np95 = 2\n',
        "2: priors.pue.dist: there is no family 'lognormall'; did you mean lognormal?",
    ),
    "unknown quantity": (
        STEP + "[priors.peu]\nvalue = 1.1\n",
        "5: priors.peu: there is no such quantity, and nothing uses it; did you mean pue?",
    ),
    "unused prior": (
        STEP + "[priors.zzz]\nvalue = 1.1\n",
        "5: priors.zzz: there is no such quantity, and nothing uses it; "
        "name it in a formula of [quantities], or take it out",
    ),
    "unused prior, another fault": (
        '[priors.zzz]\nvalue = 1\n[priors.pue]\nvalue = "x"\n',
        '4: priors.pue.value: must be a number without quotes, not "x"',
    ),
    "run of an unknown quantity": (
        PUE + '[run]\nquantities = [\n  "capex",\n  "oppex_per_year"\n]\n',
        "9: run.quantities: there is no quantity oppex_per_year; did you mean opex_per_year?",
    ),
    "figure of an unknown quantity": (
        PUE + '[[published]]\nquantity = "capex"\nvalue = 3\n[[published]]\nquantity = "capexx"\nvalue = 3\n',
        "10: published.quantity: there is no quantity capexx; did you mean capex?",
    ),
    "unknown model": (
        'model = "llmcost"\n' + PUE,
        '1: model: must be "llm_cost" or "none", not "llmcost"; did you mean llm_cost?',
    ),
    "unknown accelerator": (
        'accelerator = "H10"\n' + PUE,
        '1: accelerator: there is no accelerator "H10" in the catalog; …',
    ),
    "layouts that are no list": ('layouts = "TP8"\n' + PUE, '1: layouts: must be a list in square brackets, not "TP8"'),
    "unknown precision": (
        'precision = "FP9"\n' + PUE,
        '1: precision: must be "BF16" or "FP16" or "FP8" or "INT8" or "FP4", not "FP9"; did you mean FP8?',
    ),
    "unknown part of a precision": (
        'precision = { weight = "FP8" }\n' + PUE,
        "1: precision.weight: unknown key; did you mean weights?",
    ),
    "unknown precision of a part": (
        'precision = { weights = "4 bits" }\n' + PUE,
        '1: precision.weights: must be "BF16" or "FP16" or "FP8" or "INT8" or "FP4", not "4 bits"',
    ),
    "precision of no accelerator": (
        'training_precision = "FP8"\n' + PUE,
        "1: training_precision: takes the peak in FP8 of an accelerator, and none is named; add accelerator = ..., or "
        "state [priors.training_peak_flops] in place of the word",
    ),
    # --- missing parameters, at the table's header
    "missing percentile": ('\n[priors.pue]\ndist = "lognormal"\np5 = 1.1\n', "2: priors.pue: …"),
    "missing mode": ('\n[priors.pue]\ndist = "pert"\nlower = 1.1\nupper = 2\n', "2: priors.pue: mode missing; …"),
    "missing family": (
        "\n[priors.pue]\np5 = 1.1\np95 = 1.2\n",
        '2: priors.pue: dist is missing; add dist = "lognormal" or another family, or value = NUMBER',
    ),
    "missing value of a figure": (
        PUE + '[[published]]\nquantity = "capex"\n',
        "6: published.value: is missing; add value = ...",
    ),
    "missing formula": (
        PUE + '[quantities.x]\nunit = "USD"\n',
        "6: quantities.x: formula is missing; add formula = ...",
    ),
    "missing formula of the model's": (
        PUE + '[quantities.cost_per_day]\nlabel = "Cost"\n',
        "6: quantities.cost_per_day: formula is missing; add formula = ...",
    ),
    "family and value": (
        '[priors.pue]\ndist = "uniform"\nvalue = 1.2\n',
        "3: priors.pue.value: dist and value exclude each other; keep one",
    ),
    # --- wrong types
    "text for a number": (
        '[priors.pue]\nvalue = "1.1"\n',
        '2: priors.pue.value: must be a number without quotes, not "1.1"',
    ),
    "text for a parameter": (
        '[priors.pue]\ndist = "uniform"\nlower = "1"\nupper = 2\n',
        "3: priors.pue.lower: must be a number, …",
    ),
    "truth for a number": (
        "[priors.pue]\nvalue = true\n",
        "2: priors.pue.value: must be a number without quotes, not true",
    ),
    "number for text": ("[priors.pue]\ndist = 3\n", "2: priors.pue.dist: must be text in quotes, not 3"),
    "number for a table": (
        "[priors]\npue = 1.1\n",
        "2: priors.pue: must be a table, not 1.1; write value = 1.1 under [priors.pue]",
    ),
    "formula for a table": (
        PUE + '[quantities]\nx = "pue"\n',
        '7: quantities.x: must be a table, not "pue"; write formula = ... under [quantities.x]',
    ),
    "one bracket": (
        PUE + '[published]\nquantity = "capex"\n',
        "6: published: must be a list of tables; write [[published]] in double brackets",
    ),
    "scenarios as float": (PUE + "[run]\nscenarios = 1.5e0\n", "7: run.scenarios: must be a whole number, not 1.5"),
    "seed of 64 bits": (PUE + f"[run]\nseed = {2**63}\n", f"7: run.seed: must be less than 2^63, not {2**63}"),
    "negative seed": (PUE + "[run]\nseed = -1\n", "7: run.seed: must be greater than or equal to 0, not -1"),
    "percentile of 100": (
        PUE + "[run]\npercentiles = [5,\n100]\n",
        "8: run.percentiles: must be less than 100, not 100",
    ),
    "no percentiles": (
        PUE + "[run]\npercentiles = []\n",
        "7: run.percentiles: must be a list of one or more, or be left out, not an empty list",
    ),
    "evidence of another kind": (
        PUE + 'evidence = "judgment"\n',
        '6: priors.pue.evidence: must be "sourced" or "judgement", not "judgment"; did you mean judgement?',
    ),
    # --- nan and inf
    "nan": ("[priors.pue]\nvalue = nan\n", "2: priors.pue.value: must be a finite number, not nan"),
    "inf": ('[priors.pue]\ndist = "uniform"\nlower = 1\nupper = inf\n', "4: priors.pue.upper: must be finite, …"),
    "huge": (
        "[priors.pue]\nvalue = 1" + "0" * 400 + "\n",
        "2: priors.pue.value: is too large; a number lies below 1e308",
    ),
    # --- units
    "unit that does not convert": (
        '[priors.server_price]\nvalue = 3\nunit = "kWh"\n',
        "3: priors.server_price.unit: kWh does not convert to USD (server_price itself is in USD)",
    ),
    "unknown unit": (
        '[priors.server_price]\nvalue = 3\nunit = "kUSDs"\n',
        "3: priors.server_price.unit: there is no unit 'kUSDs'; …",
    ),
    "unit of a figure": (
        PUE + '[[published]]\nquantity = "capex"\nvalue = 1\nunit = "kWh"\n',
        "9: published.unit: kWh does not convert to USD (capex itself is in USD)",
    ),
    "unit of a replacing formula": (
        PUE + '[quantities.capex]\nformula = "pue"\nunit = "kWh"\n',
        "8: quantities.capex.unit: kWh does not convert to USD (capex itself is in USD)",
    ),
    # --- percentiles
    "percentiles in the wrong order": (
        '[priors.pue]\ndist = "lognormal"\np5 = 1.5\np95 = 1.1\n',
        "3: priors.pue.p5: percentiles in the wrong order: …",
    ),
    "percentile with a dot": (
        '[priors.pue]\ndist = "lognormal"\np2.5 = 1.1\np97.5 = 1.5\n',
        '3: priors.pue.p2.5: p2.5 is a dotted key in TOML; write "p2.5" in quotes',
    ),
    "percentile with a dot, in a component": (
        '[priors.pue]\ndist = "mixture"\ncomponents = [{value = 1},\n{dist = "lognormal", p2.5 = 1, p95 = 2}]\n',
        '4: priors.pue.components.p2.5: p2.5 is a dotted key in TOML; write "p2.5" in quotes',
    ),
    "pert through percentiles": ('[priors.pue]\ndist = "pert"\np5 = 1\np50 = 2\np95 = 3\n', "3: priors.pue.p5: …"),
    "metalog that falls": (
        '\n[priors.pue]\ndist = "metalog"\np5 = 1.1\np50 = 1.10001\np95 = 1.5\n',
        "2: priors.pue: no metalog …",
    ),
    # --- what is possible
    "normal below the bound": (
        '[priors.pue]\ndist = "normal"\nmean = 1.2\nsd = 0.1\n',
        "1: priors.pue: pue below 1 has probability 0.023, but cannot be there; truncate it with lower = 1",
    ),
    "constant above the bound": (
        "[priors.prompt_cache_hit_rate]\nvalue = 1.2\n",
        "2: priors.prompt_cache_hit_rate.value: prompt_cache_hit_rate cannot be above 1; mend the value or its unit",
    ),
    "bound in the prior's unit": (
        '[priors.prompt_cache_hit_rate]\ndist = "uniform"\nlower = 50\nupper = 150\nunit = "%"\n',
        "1: priors.prompt_cache_hit_rate: prompt_cache_hit_rate above 100 % has probability 0.5, but cannot be there; "
        "truncate it with upper = 100",
    ),
    # --- correlations
    "pair of one": (
        PUE + "[correlations]\npue.pue = 0.3\n",
        "7: correlations.pue.pue: a quantity is not correlated with itself; name two priors",
    ),
    "beyond 1": (
        PUE + STEP + "[correlations]\npue.mfu_step = 1.3\n",
        "11: correlations.pue.mfu_step: a correlation lies from -1 to 1; mend the number",
    ),
    "nan correlation": (
        PUE + STEP + "[correlations]\npue.mfu_step = nan\n",
        "11: correlations.pue.mfu_step: a correlation lies from -1 to 1; mend the number",
    ),
    "text for a correlation": (
        PUE + STEP + '[correlations]\npue.mfu_step = "0.3"\n',
        "11: correlations.pue.mfu_step: must be a number from -1 to 1 without quotes",
    ),
    "Pearson's": (
        PUE + STEP + "[correlations]\npue.mfu_step = { pearson = 0.5 }\n",
        '11: correlations.pue.mfu_step: unknown measure "pearson"; '
        "write mfu_step = 0.5 (Spearman's) or mfu_step = { gaussian_copula = 0.5 }, or kendall",
    ),
    "unknown measure": (
        PUE + STEP + "[correlations]\npue.mfu_step = { spaerman = 0.3 }\n",
        '11: correlations.pue.mfu_step: unknown measure "spaerman"; did you mean spearman?',
    ),
    "no prior": (
        PUE + "[correlations]\npue.mfu_step = 0.3\n",
        "7: correlations.pue.mfu_step: there is no prior for mfu_step; add [priors.mfu_step] or take the pair out",
    ),
    "no such prior": (
        PUE + STEP + "[correlations]\npue.mfu_stp = 0.3\n",
        "11: correlations.pue.mfu_stp: there is no prior for mfu_stp; did you mean mfu_step?",
    ),
    "constant": (
        PUE + "[priors.mfu_step]\nvalue = 0.3\n[correlations]\nmfu_step.pue = 0.3\n",
        "9: correlations.mfu_step.pue: mfu_step is a constant, which correlates with nothing; take the pair out",
    ),
    "pair twice": (
        PUE + STEP + "[correlations]\npue.mfu_step = 0.3\nmfu_step.pue = 0.2\n",
        "12: correlations.mfu_step.pue: the pair is given twice, as pue.mfu_step too; keep one",
    ),
    "no pair": (
        PUE + "[correlations]\npue = 0.3\n",
        "7: correlations.pue: must name a pair; write pue.OTHER = 0.3, without quotes",
    ),
    "quoted pair": (
        PUE + '[correlations]\n"pue.mfu_step" = 0.3\n',
        '7: correlations."pue.mfu_step": must name a pair; write pue.mfu_step = 0.3, without quotes',
    ),
    "not positive semidefinite": (
        PUE + STEP + VISITORS + '[priors.output_tokens]\ndist = "lognormal"\np5 = 1\np95 = 2\n'
        "[correlations]\npue.output_tokens = 0.1\npue.mfu_step = 0.9\npue.visitors_per_day = 0.9\n"
        "mfu_step.visitors_per_day = -0.9\noutput_tokens.mfu_step = 0.1\n",
        "22: correlations.mfu_step.visitors_per_day: these cannot hold together: pue with mfu_step (0.9), "
        "pue with visitors_per_day (0.9), mfu_step with visitors_per_day (-0.9); weaken one "
        "(their matrix is not positive semidefinite)",
    ),
    "drawn at one value": (
        PUE + '[priors.mfu_step]\ndist = "beta"\nalpha = 1e-300\nbeta = 1\n[correlations]\npue.mfu_step = 0.3\n',
        "11: correlations.pue.mfu_step: one of the two is drawn at a single value, and correlates with nothing; …",
    ),
    # --- formulas
    "name unknown to a formula": (
        PUE + '[quantities.x]\nformula = "puu + 1"\n',
        "7: quantities.x.formula: there is no quantity or prior puu; did you mean pue?",
    ),
    "letters that look alike": (
        PUE + '[quantities.x]\nformula = "рue + 1"\n',
        "7: quantities.x.formula: there is no quantity or prior \\u0440ue; did you mean pue?",
    ),
    "hostile formula": (
        PUE + '[quantities.x]\nformula = "2 * pue.__class__"\n',
        "7: quantities.x.formula: column 5: attributes (a.b) are not allowed; write names and functions alone",
    ),
    "circle of formulas": (
        PUE + '[quantities.x]\nformula = "y + 1"\n[quantities.y]\nformula = "z * pue"\n[quantities.z]\nformula = "x"\n',
        "7: quantities.x.formula: needs itself: x -> y -> z -> x; break the circle or give one of them a prior",
    ),
    "circle through the model": (
        PUE + '[quantities.server_price]\nformula = "server_capex / 1000"\n',
        "7: quantities.server_price.formula: needs itself: server_price -> server_capex -> server_price; "
        "break the circle or give one of them a prior",
    ),
    "prior and formula": (
        PUE + '[quantities.pue]\nformula = "1.1"\n',
        "6: quantities.pue: [priors.pue] binds it too; keep one of the two",
    ),
    "name that is no name": (
        'model = "none"\n[priors.a-b]\nvalue = 1\n',
        "2: priors.a-b: a name is letters, digits and _, from a letter on, and no word of Python; write it so",
    ),
    "control characters": (
        '[priors."p\\u001b[31mue\\n"]\nvalue = 1\n',
        '1: priors."p\\x1b[31mue\\n": a name is letters, digits and _, from a letter on, and no word of Python; write it so',
    ),
    # --- what is stated badly is known: its own fault is told
    "name of a formula that is refused": (
        '[run]\nquantities = ["z"]\n[quantities.z]\nformula = "capex^2"\n[[published]]\nquantity = "z"\nvalue = 1\n'
        + PUE,
        "4: quantities.z.formula: column 1: ^ is not allowed; a power is written **",
    ),
    "formula of a name that is no name": (
        'model = "none"\n[quantities.z]\nformula = "2 * b"\n[priors.lambda]\nvalue = 1\n[priors.b]\nvalue = 2\n',
        "4: priors.lambda: a name is letters, digits and _, from a letter on, and no word of Python; write it so",
    ),
    "priors in a list of tables": (
        '[quantities.y]\nformula = "2 * mine"\n[[priors]]\nname = "mine"\n',
        "3: priors: must be a table, not a list; write [priors]",
    ),
    "quantities in a list of tables": (
        '[run]\nquantities = ["y"]\n[[quantities]]\nname = "y"\n',
        "3: quantities: must be a table, not a list; write [quantities]",
    ),
    # --- choices
    "unknown key of a choice": (
        PUE + '[choices.a]\nlabl = "x"\n',
        "7: choices.a.labl: unknown key; did you mean label?",
    ),
    "fault of a choice": (
        PUE + "[choices.a.priors.pue]\nvalue = 0.5\n",
        "7: choices.a.priors.pue.value: pue cannot be below 1; mend the value or its unit",
    ),
    "formula of a choice": (
        PUE + '[choices.a.quantities.capex]\nformula = "xyz"\n',
        "7: choices.a.quantities.capex.formula: there is no quantity or prior xyz; add [priors.xyz]",
    ),
    # --- parameters, each of a prior that a formula uses
    **{
        name: (f'model = "none"\n[priors.x]\n{body}\n[quantities.y]\nformula = "x"\n', message)
        for name, body, message in (
            (
                "sd of 0",
                'dist = "normal"\nmean = 1\nsd = 0',
                "5: priors.x.sd: 0 is not above 0; give a positive number",
            ),
            ("sd below 0", 'dist = "normal"\nmean = 1\nsd = -1', "5: priors.x.sd: -1 is not above 0; …"),
            (
                "percentiles that are one",
                'dist = "normal"\np5 = 2\np95 = 2',
                "5: priors.x.p95: equal to p5; spread them, or give a constant: value = 2",
            ),
            (
                "percentiles beyond the support",
                'dist = "lognormal"\np5 = 0\np95 = 2',
                "4: priors.x.p5: 0 is not above 0, where it begins; move it inside",
            ),
            (
                "three percentiles of two",
                'dist = "normal"\np5 = 1\np50 = 2\np95 = 9',
                "6: priors.x.p95: two percentiles determine it, 3 given; …",
            ),
            (
                "one percentile twice",
                'dist = "normal"\np5 = 1\np05 = 2',
                "5: priors.x.p05: the same percentile as p5; remove one",
            ),
            (
                "percentile of 0",
                'dist = "normal"\np0 = 1\np95 = 2',
                "4: priors.x.p0: a percentile lies between p0 and p100; …",
            ),
            (
                "percentiles beside others",
                'dist = "normal"\nmean = 1\nsd = 1\np5 = 1',
                "4: priors.x.mean: does not go together with p5; …",
            ),
            (
                "percentiles of a constant",
                'dist = "constant"\np5 = 1\np95 = 2',
                "4: priors.x.p5: a constant has one value, and no percentiles; constant takes value",
            ),
            (
                "percentile beside a value",
                "value = 1\np5 = 1",
                "4: priors.x.p5: a constant has one value, and no percentiles; …",
            ),
            ("bound of a constant", "value = 1\nlower = 0", "4: priors.x.lower: unknown key; constant takes value"),
            (
                "bounds in the wrong order",
                'dist = "uniform"\nlower = 2\nupper = 1',
                "4: priors.x.lower: 2 is not below upper = 1; put them in order",
            ),
            (
                "bounds that are one",
                'dist = "uniform"\nlower = 1\nupper = 1',
                "4: priors.x.lower: 1 is not below upper = 1; …",
            ),
            (
                "mode outside",
                'dist = "pert"\nlower = 1\nmode = 0\nupper = 2',
                "5: priors.x.mode: 0 is not between lower = 1 and upper = 2; move it inside",
            ),
            (
                "percentile outside the bounds",
                'dist = "normal"\np5 = 1\np95 = 2\nlower = 1.5',
                "4: priors.x.p5: 1 is not above 1.5, where it begins; …",
            ),
            (
                "bounds with nothing between",
                'dist = "normal"\nmean = 0\nsd = 1\nlower = 50',
                "6: priors.x.lower: nothing of the distribution lies between the bounds; widen them",
            ),
            (
                "infinite bound",
                'dist = "normal"\nmean = 0\nsd = 1\nlower = -inf',
                "6: priors.x.lower: must be finite, not -inf; …",
            ),
            (
                "loguniform from 0",
                'dist = "loguniform"\nlower = 0\nupper = 1',
                "4: priors.x.lower: 0 is not above 0; …",
            ),
            (
                "too wide",
                'dist = "loguniform"\nlower = 1e-300\nupper = 1e300',
                "5: priors.x.upper: 1e+300 is too many times lower = 1e-300; …",
            ),
            *(
                (
                    f"beyond floats, {body.split()[2]} {number}",
                    body,
                    "2: priors.x: its values leave the range of numbers; mend the parameters",
                )
                for number, body in enumerate(
                    (
                        'dist = "normal"\nmean = 1e308\nsd = 1e308',
                        'dist = "normal"\nmean = 0\nsd = 1e308',
                        'dist = "lognormal"\nmu = 800\nsigma = 1',
                        'dist = "lognormal"\np5 = 1e-300\np95 = 1e300',
                        'dist = "uniform"\nlower = -1e308\nupper = 1e308',
                        'dist = "gamma"\nshape = 1\nscale = 1e307',
                        'dist = "student_t"\ndf = 1\nlocation = 0\nscale = 1e300',
                        'dist = "choice"\nvalues = [1e308, -1e308]',
                    )
                )
            ),
            (
                "number too small for floats",
                "value = 1e-400",
                "3: TOML: the number 1e-400 is too small; write 0, or one above 1e-308",
            ),
            (
                "per cent in quotes",
                'value = "10%"',
                '3: priors.x.value: must be a number without quotes, not "10%"; write 10% as 10, with unit = "%"',
            ),
            (
                "parameter in per cent",
                'dist = "normal"\nmean = "10%"\nsd = 1',
                '4: priors.x.mean: must be a number, not the text "10%"; write 10% as 10, with unit = "%"',
            ),
            (
                "number in quotes",
                'dist = "normal"\nmean = "10"\nsd = 1',
                '4: priors.x.mean: must be a number, not the text "10"; remove the quotes',
            ),
            (
                "date for a number",
                "value = 2026-01-01",
                "3: priors.x.value: must be a number without quotes, not 2026-01-01",
            ),
            (
                "date for a parameter",
                'dist = "normal"\nmean = 2026-01-01\nsd = 1',
                "4: priors.x.mean: must be a number, not a date; …",
            ),
            (
                "truth for a parameter",
                'dist = "normal"\nmean = true\nsd = 1',
                "4: priors.x.mean: must be a number, not true; …",
            ),
            ("list for a number", "value = [1]", "3: priors.x.value: must be a number without quotes, not a list"),
            (
                "table for a number",
                "value = {a = 1}",
                "3: priors.x.value: must be a number without quotes, not a table",
            ),
            ("list for a family", 'dist = ["normal"]', "3: priors.x.dist: must be text in quotes, not a list"),
            ("no family in quotes", 'dist = ""', "3: priors.x.dist: there is no family ''; …"),
            ("no choices", 'dist = "choice"\nvalues = []', "4: priors.x.values: there are none; give at least one"),
            (
                "choices of text",
                'dist = "choice"\nvalues = ["a"]',
                '4: priors.x.values: must be a number, not the text "a"; …',
            ),
            ("choice of nan", 'dist = "choice"\nvalues = [1, nan]', "4: priors.x.values: must be finite, not nan; …"),
            (
                "one value for a list",
                'dist = "choice"\nvalues = 5',
                "4: priors.x.values: must be a list, not 5; write [...]",
            ),
            (
                "weights of others",
                'dist = "choice"\nvalues = [1, 2]\nweights = [1]',
                "5: priors.x.weights: 1 weights for 2 values; give one for each",
            ),
            (
                "weights of 0",
                'dist = "choice"\nvalues = [1, 2]\nweights = [0, 0]',
                "5: priors.x.weights: all are 0; make one of them positive",
            ),
            (
                "negative weight",
                'dist = "choice"\nvalues = [1, 2]\nweights = [-1, 2]',
                "5: priors.x.weights: -1 is negative; …",
            ),
            (
                "probabilities",
                'dist = "choice"\nvalues = [1, 2]\nprobabilities = [0.5, 0.6]',
                "5: priors.x.probabilities: unknown key; write weights",
            ),
            (
                "no components",
                'dist = "mixture"\ncomponents = []',
                "4: priors.x.components: there are none; give at least one",
            ),
            (
                "fault of a component",
                'dist = "mixture"\ncomponents = [{value = 1}, {dist = "normal", mean = 0, sd = 0}]',
                "4: priors.x.components: component 2, sd: 0 is not above 0; …",
            ),
            (
                "numbers for components",
                'dist = "mixture"\ncomponents = [1]',
                "4: priors.x.components: component 1 must be a table, not 1; …",
            ),
            (
                "no file of data",
                'dist = "empirical"\nfile = "none.csv"\ncolumn = "a"',
                "4: priors.x.file: none.csv: cannot be read: No such file or directory; name a CSV file",
            ),
            (
                "file of no name",
                'dist = "empirical"\nfile = " "\ncolumn = "a"',
                "4: priors.x.file: is empty; name a CSV file",
            ),
            (
                "file and values",
                'dist = "empirical"\nvalues = [1]\nfile = "a.csv"',
                "5: priors.x.file: does not go together with values; …",
            ),
            ("number for a unit", "value = 1\nunit = 5", "4: priors.x.unit: must be text in quotes, not 5"),
        )
    },
    "one prior in double brackets": (
        PUE.replace("[priors.pue]", "[[priors.pue]]"),
        "1: priors.pue: must be one table; write [priors.pue] in single brackets",
    ),
    "one quantity in double brackets": (
        PUE + '[[quantities.x]]\nformula = "pue"\n',
        "6: quantities.x: must be one table; write [quantities.x] in single brackets",
    ),
    "run in double brackets": (PUE + "[[run]]\nseed = 1\n", "6: run: must be a table, not a list; write [run]"),
    "choices as a list": ('choices = ["a"]\n' + PUE, "1: choices: must be a table, not a list; write [choices]"),
    "formula that needs itself": (
        PUE + '[quantities.x]\nformula = "x"\n',
        "7: quantities.x.formula: needs itself: x -> x; break the circle or give one of them a prior",
    ),
    "unit of a formula for the model's": (
        PUE + '[quantities.capex]\nformula = "5 [kWh]"\n',
        "7: quantities.capex.formula: column 1: 5 [kWh] is in kWh, but the unit stated is USD; mend one of the two",
    ),
    "figure of text": (
        PUE + '[[published]]\nquantity = "capex"\nvalue = "1"\n',
        '8: published.value: must be a number without quotes, not "1"',
    ),
    "no scenarios": (PUE + "[run]\nscenarios = 0\n", "7: run.scenarios: must be greater than or equal to 1, not 0"),
    "scenarios beyond number": (
        PUE + "[run]\nscenarios = 1e99\n",
        "7: run.scenarios: must be less than or equal to 1e+15, not 1e+99",
    ),
    "extends nothing": ('extends = ""\n', "1: extends: is empty; name a file, or take it out"),
    "accelerator of a number": ("accelerator = 5\n", "1: accelerator: must be text in quotes, not 5"),
    "precision of a number": ("precision = 8\n" + PUE, "1: precision: must be text in quotes, not 8"),
    "divided by nothing": (
        PUE + '[quantities.x]\nformula = "pue / 0"\n',
        "7: quantities.x.formula: column 7: this divides by 0 whatever the draws; mend it",
    ),
    # --- extends
    "extends a number": ("extends = 3\n" + PUE, "1: extends: must be text in quotes, not 3"),
    "extends no file": (
        'title = "x"\nextends = "none.toml"\n' + PUE,
        "2: extends: none.toml does not exist; check the path",
    ),
    "extends a folder": ('title = "x"\nextends = "."\n' + PUE, "2: extends: . is a folder; name a priors file in it"),
    "extends itself": (
        '\nextends = "./faulty.toml"\n',
        "2: extends: goes in a circle, faulty.toml -> faulty.toml; take it out",
    ),
    # --- the first by line
    "two faults": (
        PUE + '[quantities.x]\nformula = "puu"\n[run]\nseed = "a"\n',
        "7: quantities.x.formula: there is no quantity or prior puu; did you mean pue?",
    ),
    "two faults, the other order": (
        PUE + '[run]\nseed = "a"\n[quantities.x]\nformula = "puu"\n',
        '7: run.seed: must be a whole number, not "a"',
    ),
    "quantity asked for above its faulty formula": (
        PUE + '[run]\nquantities = ["z"]\n[quantities.z]\nformula = "nope(pue) + (pue^2)"\n',
        "9: quantities.z.formula: column 14: ^ is not allowed; a power is written **",
    ),
    "figure of a prior with a faulty name": (
        '[[published]]\nquantity = "a-b"\nvalue = 1\n' + PUE + "[priors.a-b]\nvalue = 1\n",
        "9: priors.a-b: a name is letters, digits and _, from a letter on, and no word of Python; write it so",
    ),
}

# Ways to state a prior badly, with the fault; below, ways to need it.
MALFORMED = {
    'mine = {value = "3"}': 'mine.value: must be a number without quotes, not "3"',
    'mine = {value = 3, evidence = "guess"}': 'mine.evidence: must be "sourced" or "judgement", not "guess"',
    'mine = {value = 3, sorce = "x", unit = 5}': "mine.unit: must be text in quotes, not 5",
    "mine = {value = 1e400}": "mine.value: must be a finite number, not inf",
    "mine = 3": "mine: must be a table, not 3; write value = 3 under [priors.mine]",
    'mine = {dist = "normal", p2.5 = 1, p50 = 2}': 'mine.p2.5: p2.5 is a dotted key in TOML; write "p2.5" in quotes',
    'mine = {dist = "normal"}': "mine: parameters missing; …",
    "mine = {}": "mine: dist is missing; …",
}
NEEDS = {
    "a formula": '[quantities.y]\nformula = "mine * 2"\n',
    "a formula of a formula": '[quantities.y]\nformula = "x * 2"\n[quantities.x]\nformula = "mine"\n',
    "a formula in place of the model's": '[quantities.capex]\nformula = "mine * 2 [USD]"\n',
    "a choice's formula": '[choices.a.quantities.y]\nformula = "mine"\n[quantities.y]\nformula = "mine + 1"\n',
    "a correlation": '[quantities.y]\nformula = "mine"\n[correlations]\nmine.pue = 0.5\n',
    "the quantities of a run": '[run]\nquantities = ["mine", "y"]\n[quantities.y]\nformula = "mine"\n',
    "a published figure": '[[published]]\nquantity = "mine"\nvalue = 3\n[quantities.y]\nformula = "mine"\n',
}


@pytest.fixture(autouse=True)
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def refusal(path, *overrides):
    with pytest.raises(PriorsError) as refused:
        load_priors(path, overrides)
    message = str(refused.value)
    assert all(line.isprintable() for line in message.split("\n")), "lines without control characters"
    return message


ALONE = (
    *(
        "extends nothing",
        "accelerator of a number",
        "one prior in double brackets",
        "no choices",
        "sd of 0",
        "file of no name",
    ),
    *("per cent in quotes", "number too small for floats", "percentiles of a constant", "formula that needs itself"),
)


@pytest.mark.parametrize("fault", ALONE)
def test_what_follows_from_a_fault_is_not_told(fault):
    text, expected = FAULTS[fault]
    Path("faulty.toml").write_text(text, encoding="utf-8")
    assert refusal("faulty.toml") == f"faulty.toml:{expected}"


@pytest.mark.parametrize("formula", ["", "formula = ''", "formula = '(('", "formula = 5", "formula = '1 / 0'"])
def test_no_prior_is_called_unused_for_a_formula_that_cannot_be_read(formula):
    Path("faulty.toml").write_text(
        f'model = "none"\n[priors.x]\nvalue = 1\n[quantities.y]\n{formula}\n', encoding="utf-8"
    )
    (line,) = refusal("faulty.toml").split("\n")
    assert line.startswith(("faulty.toml:4: quantities.y: ", "faulty.toml:5: quantities.y.formula: "))


def assert_message(message, expected):
    lines = message.split("\n")
    if expected.endswith("…"):
        assert any(line.startswith(expected.removesuffix("…")) for line in lines)
    else:
        assert expected in lines


@pytest.mark.parametrize("fault", FAULTS)
def test_faults(fault):
    text, expected = FAULTS[fault]
    Path("faulty.toml").write_text(text, encoding="utf-8")
    assert_message(refusal("faulty.toml"), f"faulty.toml:{expected}")


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_keep_their_lines_with_carriage_returns_and_a_byte_order_mark(fault):
    text, expected = FAULTS[fault]
    Path("faulty.toml").write_bytes(("\ufeff" + text.replace("\n", "\r\n")).encode())
    assert_message(refusal("faulty.toml"), f"faulty.toml:{expected}")


@pytest.mark.parametrize(
    ("malformed", "needed", "model"),
    sampled(MALFORMED, NEEDS, ['model = "none"\n', "", 'extends = "base"\n'], rounds=4),
)
def test_a_malformed_prior_is_named_whatever_needs_it(malformed, needed, model):
    text = f"{model}{NEEDS[needed]}[priors]\n{malformed}\n"
    line = text.count("\n")
    if needed == "a correlation" and model == 'model = "none"\n':
        text += 'pue = {dist = "normal", mean = 0, sd = 1}\n'
    Path("faulty.toml").write_text(text, encoding="utf-8")
    assert_message(refusal("faulty.toml"), f"faulty.toml:{line}: priors.{MALFORMED[malformed]}")


@pytest.mark.parametrize("stated", ["", "[priors]\nmine = {value = 2}\n"], ids=["new", "in place of a good one"])
@pytest.mark.parametrize("model", ['model = "none"\n', 'extends = "base"\n'], ids=["none", "base"])
@pytest.mark.parametrize("malformed", MALFORMED)
def test_a_malformed_prior_that_a_formula_needs_is_named_at_every_door(malformed, model, stated):
    expected = f"priors.{MALFORMED[malformed]}"
    key, value = malformed.split(" = ", 1)
    needing = f'{model}{stated}[quantities.z]\nformula = "1"\n[choices.a.quantities.y]\nformula = "mine * 2"\n'
    if stated and value == "{}":
        return  # it changes nothing
    if value != "3":  # which is how an override states a value
        text = f'{model}{stated}[quantities.y]\nformula = "mine * 2"\n'
        Path("good.toml").write_text(text, encoding="utf-8")
        assert_message(refusal("good.toml", f"{key}={value}"), f"--set '{key}={value}': {expected}")
    Path("faulty.toml").write_text(f"{needing}[choices.a.priors]\n{malformed}\n", encoding="utf-8")
    line = needing.count("\n") + 2
    expected = f"choices.a.{expected}".replace("under [priors", "under [choices.a.priors")
    assert_message(refusal("faulty.toml"), f"faulty.toml:{line}: {expected}")


OVERRIDES = {
    "pue": "is no TOML: the key ends here, and has no value; …",
    "pue=1.x": "is no TOML: column 6: the line should have come to an end; …",
    "pue=lognormal": "is no TOML: column 5: no value begins so, and text stands in quotes; …",
    "": "sets nothing; …",
    'pue="1.1"': 'priors.pue.value: must be a number without quotes, not "1.1"',
    "pue=0.5": "priors.pue.value: pue cannot be below 1; mend the value or its unit",
    "peu=1.1": "priors.peu: there is no such quantity, and nothing uses it; did you mean pue?",
    "pue.p95=1.05": "priors.pue: p5: percentiles in the wrong order: …",
    "pue.p2.5=1.05": 'priors.pue.p2.5: p2.5 is a dotted key in TOML; write "p2.5" in quotes',
    'pue={dist="unifrom"}': "priors.pue.dist: there is no family 'unifrom'; did you mean uniform?",
    'quantities.x.formula="puu"': "quantities.x.formula: there is no quantity or prior puu; did you mean pue?",
    "run.seed=1.5": "run.seed: must be a whole number, not 1.5",
    "correlations.pue.pue=0.1": "correlations.pue.pue: a quantity is not correlated with itself; name two priors",
    'extends="x.toml"': "extends: cannot be set here; write it in a file",
    "choices.a.label=3": "choices: cannot be set here; write it in a file",
}


@pytest.mark.parametrize("override", OVERRIDES)
def test_overrides_are_named_in_place_of_file_and_line(override):
    Path("good.toml").write_text(PUE, encoding="utf-8")
    assert_message(refusal("good.toml", override), f"--set '{override}': {OVERRIDES[override]}")


def test_a_file_that_does_not_exist():
    Path("priors.toml").write_text(PUE, encoding="utf-8")
    assert refusal("prior.toml") == "prior.toml: does not exist; did you mean priors.toml?"
    assert refusal("none/such.toml") == "none/such.toml: does not exist; check the path"


def test_brackets_beyond_measure():
    Path("deep.toml").write_text("a = " + "[" * 5000, encoding="utf-8")
    assert refusal("deep.toml") == "deep.toml:1: TOML: brackets or keys nest too deeply; take some away"


def test_a_name_that_is_no_file_and_does_not_ship():
    assert refusal("bse") == "bse: does not exist; did you mean base?"
    assert refusal("zebra").startswith(
        "zebra: does not exist; check the path, or name a file that ships: accelerators, base, "
    )
    Path("child.toml").write_text('extends = "bse"\n', encoding="utf-8")
    assert refusal("child.toml") == "child.toml:1: extends: bse does not exist; did you mean base?"


def test_a_folder():
    Path("folder").mkdir()
    assert refusal("folder") == "folder: is a folder; name a priors file in it"


def test_paths_that_no_file_can_have():
    assert refusal("a\0b").startswith("a\\x00b: ")
    assert refusal("a" * 5000).startswith("a" * 40 + "...: cannot be read (File name too long)")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read():
    Path("closed.toml").write_text(PUE, encoding="utf-8")
    Path("closed.toml").chmod(0)
    assert refusal("closed.toml") == "closed.toml: cannot be read (Permission denied); check its permissions"


def test_all_that_is_wrong_is_told_at_once_by_line_and_what_follows_is_not():
    Path("faulty.toml").write_text(
        'titel = "x"\n[priors.pue]\ndist = "lognormal"\np5 = 1.5\np95 = 1.1\nsoruce = "x"\n'
        '[priors.visitrs]\nvalue = 1\nunit = "usd"\n[quantities.q]\nformula = "visitors * 2"\n'
        '[quantities.r]\nformula = "q + visitors"\nunit = "USD"\n[run]\nscenarios = -1\nquantities = ["visitors"]\n',
        encoding="utf-8",
    )
    lines = refusal("faulty.toml").split("\n")
    assert [line.split(": ")[0] for line in lines] == [f"faulty.toml:{line}" for line in (1, 4, 6, 9, 11, 16)]
    assert (
        lines[4]
        == "faulty.toml:11: quantities.q.formula: there is no quantity or prior visitors; did you mean visitrs?"
    )


def test_of_many_faults_twenty_are_told_and_how_many_more_there_are():
    Path("faulty.toml").write_text("".join(f"[priors.x{i}]\nvalue = true\n" for i in range(23)), encoding="utf-8")
    lines = refusal("faulty.toml").split("\n")
    assert len(lines) == 21
    assert lines[-1] == "3 more faults; mend these first"


def test_overrides_that_are_wrong_are_all_told():
    Path("good.toml").write_text(PUE.replace("shift = 1\n", ""), encoding="utf-8")
    lines = refusal("good.toml", "pue=", "seed=[", "pue={dist='lognormal',p5=2,p95=1}").split("\n")
    assert [line.split(": ")[0] for line in lines] == [
        "--set 'pue='",
        "--set 'seed=['",
        "--set 'pue={dist='lognormal',p5=2,p95=1}'",
    ]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_another_encoding(encoding):
    Path("other.toml").write_bytes(('title = "é"\n' + PUE).encode(encoding))
    assert refusal("other.toml") == "other.toml:1: is not UTF-8; save it with the encoding UTF-8"


def test_the_line_of_a_byte_that_is_not_utf_8():
    Path("other.toml").write_bytes(PUE.encode() + b'note = "\xff"\n')
    assert refusal("other.toml") == "other.toml:6: is not UTF-8; save it with the encoding UTF-8"


def test_faults_of_an_extended_file_name_it():
    Path("folder").mkdir()
    Path("folder/base.toml").write_text('\n[priors.pue]\nvalue = "x"\n', encoding="utf-8")
    Path("folder/child.toml").write_text('extends = "base.toml"\n', encoding="utf-8")
    assert refusal("folder/child.toml") == (
        'folder/base.toml:3: priors.pue.value: must be a number without quotes, not "x"'
    )


def test_faults_that_merging_makes_are_the_nearer_files():
    Path("base.toml").write_text(PUE, encoding="utf-8")
    Path("child.toml").write_text('extends = "base.toml"\n[priors.pue]\np95 = 1.05\n', encoding="utf-8")
    assert refusal("child.toml").startswith("child.toml:2: priors.pue: p5: percentiles in the wrong order")
    Path("child.toml").write_text('extends = "base.toml"\n[priors.pue]\np50 = 1.2\n', encoding="utf-8")
    assert refusal("child.toml").startswith("child.toml:3: priors.pue.p50: two percentiles determine it")


def test_a_circle_of_files():
    Path("a.toml").write_text('title = "a"\nextends = "b.toml"\n', encoding="utf-8")
    Path("b.toml").write_text('extends = "c.toml"\n', encoding="utf-8")
    Path("c.toml").write_text('\n\nextends = "a.toml"\n', encoding="utf-8")
    assert refusal("a.toml") == (
        "c.toml:3: extends: goes in a circle, a.toml -> b.toml -> c.toml -> a.toml; take it out"
    )


def edits_between(one, other):
    """Letters to insert, leave out, replace or exchange with the next: the restricted Damerau-Levenshtein distance."""
    rows = [list(range(len(other) + 1))]
    for i, left in enumerate(one, 1):
        rows.append([i])
        for j, right in enumerate(other, 1):
            ways = [rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (left != right)]
            if i > 1 and j > 1 and (one[i - 2], left) == (right, other[j - 2]):
                ways.append(rows[i - 2][j - 2] + 1)
            rows[i].append(min(ways))
    return rows[-1][-1]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text("abcAB", max_size=7), st.text("abcAB", min_size=1, max_size=7))
def test_a_slip_of_the_hand_is_one_edit(word, other):
    """Of a word of four letters or more; in a shorter one two letters exchanged, or the case."""
    edits = edits_between(word.lower(), other.lower())
    exchanged = len(word) == len(other) and sorted(word.lower()) == sorted(other.lower())
    assert is_slip(word, other) == (edits == 0 or (edits == 1 and (exchanged or len(word) > 3)))
    assert is_slip(word, other) == (suggestion(word, [other], slips=True) == f"; did you mean {other}?")


SEVERAL = {  # the line of each option that is wrong, by how it begins, in the order of the commands' checks
    "run": (
        "--percentiles 0,x --seed -1 --scheme q --given x>1 --given capex> --observe capex=a+-1 --probability pue "
        "--statistic a --statistic b --quantities nope,nix --precision z --fail-if mean(x)>2 --fail-if x --workers 0",
        [
            "seed: must be greater", "scheme: there is no scheme 'q'", "percentiles: 'x' is no number",
            "there is no quantity nope", "there is no quantity nix", "--probability 'pue': is no condition",
            "--given 'x>1': there is no quantity x", "--given 'capex>': column 7: ", "--observe 'capex=a+-1': holds no",
            "there is no statistic 'a'", "there is no statistic 'b'", "--fail-if 'mean(x)>2': ", "--fail-if 'x': is no ",
            "workers: must be ", "--precision 'z': 'z' is no target",
        ],
    ),
    "tornado": (
        "--method q --low 0 --high 100 --percentiles 200 --given x>1 --quantities nope --workers 0",
        [
            "percentiles: must be less than 100", "there is no quantity nope", "there is no method 'q'",
            "low: must be greater than 0", "high: must be less than 100", "--given 'x>1': there is", "workers: must be ",
        ],
    ),
    "decide": (
        "--seed -1 --quantities nope,nix --given x>1 --workers 0",
        [
            "seed: must be greater", "toml: there is no quantity nope", "toml: there is no quantity nix",
            "workers: must be ", "--given 'x>1': ",
        ],
    ),
    "compare": (
        "--vary pue=1.1,1.2 --bridge 200 --scale q --seed -1 --quantities nope,nix --workers 0",
        [
            "seed: must be greater", "there is no quantity nope", "there is no quantity nix", "--bridge '200': 200 is not",
            "workers: must be ", "there is no scale 'q'",
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SEVERAL)
def test_all_options_that_are_wrong_are_told_at_once(command, name):
    options, lines = SEVERAL[name]
    code, out, told = command(name, "own-or-rent" if name == "decide" else "base", *options.split())
    assert (code, out) == (2, "")
    found = told.splitlines()
    assert len(found) == len(lines)
    assert all(line in each.partition("; ")[0] for line, each in zip(lines, found, strict=True))


def test_what_is_wrong_with_the_file_is_told_before_what_is_asked_of_it(command):
    _, _, told = command("run", "base", "--set", "pue=0.5", "--seed", -1)
    assert told.splitlines() == ["--set 'pue=0.5': priors.pue.value: pue cannot be below 1; mend the value or its unit"]


def test_one_setting_is_told_once():
    with pytest.raises(SimulateError) as refused:
        Settings().asked(percentiles=[0, 200, 300], seed=-1)
    assert [fault.key for fault in refused.value.faults] == ["seed", "percentiles"]
