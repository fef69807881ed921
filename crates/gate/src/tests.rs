//! Requests, credentials and worlds as rows, and what becomes of them.

mod admission;
mod adopted;
mod artifacts;
mod believed;
mod calls;
mod conditions;
mod deadlines;
mod decisions;
mod ended;
mod governed;
mod jobs;
mod leases;
mod paused;
mod people;
mod pins;
mod plans;
mod reports;
mod rest;
mod signed;
mod upstream;
mod verified;
mod vouch;
