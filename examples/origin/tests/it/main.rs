//! The sample origin from outside: started in this process on a free port,
//! called over gRPC, gRPC-Web and plain HTTP, and stopped again. Internals are
//! tested beside the code.

mod debug;
mod organizations;
mod plain;
mod programs;
mod refusals;
mod rest;
mod sequence;
mod services;
mod shapes;
mod states;
mod strict;
mod support;
mod wire;
mod workflows;
