"""For agents: the commands as tools of the Model Context Protocol, and the guide that tells all that they must know."""
