// What a device does in one pass where arrays would take a dozen: values on lines, and what is counted of a column.
//
// The arithmetic is that of simulate/sampling/tables.py and simulate/rulers.py, rounded as there: no multiply-add is
// fused. Counts are whole numbers, which add up alike in any order; sums of floats are taken in one order, that of
// the grid, so that they are the same from run to run.

#define INFINITE __longlong_as_double(0x7ff0000000000000LL)

__device__ long long bits_of(double value) { return __double_as_longlong(value); }

__device__ double on_line(double position, long long cell, const double* slope, const double* intercept) {
  return __dadd_rn(__dmul_rn(slope[cell], position), intercept[cell]);
}

extern "C" __global__ void on_word_lines(const int* words, const double* slope, const double* intercept, double* values,
                                         long long size, long long half, long long shift) {
  const long long all = (long long)gridDim.x * blockDim.x;
  for (long long place = (long long)blockIdx.x * blockDim.x + threadIdx.x; place < size; place += all) {
    const double position = (double)words[place] + 0.5;
    const long long leading = bits_of(position) >> shift;
    const long long cell = (leading & (half - 1)) | ((leading >> 63) & half);
    values[place] = on_line(position, cell, slope, intercept);
  }
}

extern "C" __global__ void on_score_lines(const double* scores, const double* slope, const double* intercept,
                                          double* values, long long size, double least, double most, double by_unit) {
  const long long all = (long long)gridDim.x * blockDim.x;
  for (long long place = (long long)blockIdx.x * blockDim.x + threadIdx.x; place < size; place += all) {
    const double score = scores[place];
    const double position = score < least ? least : score > most ? most : score;
    const long long cell = (long long)__dmul_rn(position - least, by_unit);
    values[place] = on_line(position, cell, slope, intercept);
  }
}

extern "C" __global__ void add_multiple(double* total, double factor, const double* column, long long size) {
  const long long all = (long long)gridDim.x * blockDim.x;
  for (long long place = (long long)blockIdx.x * blockDim.x + threadIdx.x; place < size; place += all)
    total[place] = __dadd_rn(total[place], __dmul_rn(factor, column[place]));
}

// The cell of a value among bins of the leading bits, from the bin `start` on; -1 where that is none of theirs.
__device__ long long bin_of(double value, long long shift, long long start, long long cells) {
  long long bin = bits_of(value) >> shift;
  if (bin < 0) bin = -1 - (bin & ((1LL << (63 - shift)) - 1));
  const long long cell = bin - start;
  return cell < 0 || cell >= cells ? -1 : cell;
}

// The cell of a value among knots and the parts between them; -1 beyond their ends.
__device__ long long part_of(double value, const double* knots, const double* rates, long long count, long long parts) {
  if (value < knots[0] || value > knots[count - 1]) return -1;
  long long below = 0, above = count;  // knots[below] <= value < knots[above]
  while (above - below > 1) {
    const long long middle = (below + above) / 2;
    if (knots[middle] <= value) below = middle; else above = middle;
  }
  const long long first = below * (parts + 1);
  if (value == knots[below]) return first;
  const double part = __dmul_rn(value - knots[below], rates[below]);
  return first + 1 + (part < (double)(parts - 1) ? (long long)part : parts - 1);
}

// `told` holds the counts of the cells, then SUMS numbers a block, then how many values are in `others`, whose cells
// are none of the ruler's; those beyond its end are only counted. Weights may be null: then each value counts once.
extern "C" __global__ void tally(const double* values, const long long* weights, long long size, double shift,
                                 long long cells, long long bits_shift, long long start, const double* knots,
                                 const double* rates, long long count, long long parts, unsigned long long* told,
                                 double* others, long long* other_weights, long long room) {
  __shared__ double first[THREADS], second[THREADS], least[THREADS], greatest[THREADS];
  __shared__ long long finite[THREADS], weight[THREADS];
  const int own = threadIdx.x;
  double sum = 0.0, squares = 0.0, low = INFINITE, high = -INFINITE;
  long long number = 0, whole = 0;
  unsigned long long* outside = told + cells + (long long)gridDim.x * SUMS;
  const long long all = (long long)gridDim.x * blockDim.x;
  for (long long place = (long long)blockIdx.x * blockDim.x + own; place < size; place += all) {
    const double value = values[place];
    if (!isfinite(value)) continue;
    const long long times = weights ? weights[place] : 1;
    const double deviation = value - shift, weighted = __dmul_rn(deviation, (double)times);
    sum += weighted;
    squares = __dadd_rn(squares, __dmul_rn(weighted, deviation));
    low = value < low ? value : low;
    high = value > high ? value : high;
    number += 1;
    whole += times;
    const long long cell =
        knots ? part_of(value, knots, rates, count, parts) : bin_of(value, bits_shift, start, cells);
    if (cell >= 0) {
      atomicAdd(&told[cell], (unsigned long long)times);
      continue;
    }
    const long long next = (long long)atomicAdd(outside, 1ULL);
    if (next < room) {
      others[next] = value;
      if (weights) other_weights[next] = times;
    }
  }
  first[own] = sum;
  second[own] = squares;
  least[own] = low;
  greatest[own] = high;
  finite[own] = number;
  weight[own] = whole;
  for (int half = THREADS / 2; half > 0; half /= 2) {
    __syncthreads();
    if (own >= half) continue;
    first[own] += first[own + half];
    second[own] += second[own + half];
    least[own] = least[own + half] < least[own] ? least[own + half] : least[own];
    greatest[own] = greatest[own + half] > greatest[own] ? greatest[own + half] : greatest[own];
    finite[own] += finite[own + half];
    weight[own] += weight[own + half];
  }
  if (own > 0) return;
  unsigned long long* sums = told + cells + (long long)blockIdx.x * SUMS;
  sums[0] = (unsigned long long)bits_of(first[0]);
  sums[1] = (unsigned long long)bits_of(second[0]);
  sums[2] = (unsigned long long)bits_of(least[0]);
  sums[3] = (unsigned long long)bits_of(greatest[0]);
  sums[4] = (unsigned long long)finite[0];
  sums[5] = (unsigned long long)weight[0];
}
