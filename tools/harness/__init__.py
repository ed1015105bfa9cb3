"""Private servers, backends and services without HTTP, shared by the tests and the benchmarks."""
