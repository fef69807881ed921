//! The sample origin from outside: started in this process on a free port,
//! called over gRPC, gRPC-Web and plain HTTP, and stopped again. Internals are
//! tested beside the code.

mod debug;
mod programs;
mod refusals;
mod rest;
mod sequence;
mod shapes;
mod support;
mod wire;
