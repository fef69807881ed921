//! Every target without a fuzzer: its seeds, what was found before, and inputs made of both, the same in each run.
//! `POSTERN_FUZZ_RUNS=100000 cargo test -p postern-fuzz-targets` makes more of them.

use std::path::Path;
use std::{env, fs};

use postern_fuzz_targets::{TARGETS, Target};

/// Inputs that are made for a target. Histories of a Ledger take milliseconds each.
fn usual_runs(target: &Target) -> usize {
    match target.name {
        "ledger" => 60,
        "ledger_messages" => 300,
        "notes" => 1_000,
        _ => 3_000,
    }
}

/// A small generator (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        usize::try_from(bits % end.max(1) as u64).expect("a small number")
    }

    fn byte(&mut self) -> u8 {
        self.below(256) as u8
    }
}

/// Bytes that readers stumble over.
const ODD: [u8; 16] = [
    0, 1, 0x7f, 0x80, 0xff, b'"', b'\\', b'.', b'=', b'%', b';', b',', b'/', b'\n', b' ', b'_',
];

fn changed(random: &mut Random, inputs: &[Vec<u8>], longest: usize) -> Vec<u8> {
    let mut input = inputs[random.below(inputs.len())].clone();
    for _ in 0..1 + random.below(4) {
        let at = random.below(input.len() + 1);
        match random.below(8) {
            0 if at < input.len() => input[at] ^= 1 << random.below(8),
            1 if at < input.len() => input[at] = random.byte(),
            2 if at < input.len() => input[at] = ODD[random.below(ODD.len())],
            3 => input.insert(at, ODD[random.below(ODD.len())]),
            4 => input.truncate(at),
            5 => {
                let end = (at + random.below(8)).min(input.len());
                input.drain(at..end);
            }
            6 => {
                // A piece of it comes twice.
                let end = (at + random.below(32)).min(input.len());
                let piece = input[at..end].to_vec();
                input.splice(at..at, piece);
            }
            _ => {
                // It goes on as another one does.
                let other = &inputs[random.below(inputs.len())];
                let from = random.below(other.len() + 1);
                input.truncate(at);
                input.extend(&other[from..]);
            }
        }
    }
    input.truncate(longest);
    input
}

/// Tells which input failed.
struct Told<'i>(&'static str, &'i [u8]);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "{}: {:?}\n{:02x?}",
                self.0,
                String::from_utf8_lossy(self.1),
                self.1
            );
        }
    }
}

fn run(target: &Target, input: &[u8]) {
    let _told = Told(target.name, input);
    (target.run)(input);
}

/// What was found before and is kept.
fn kept(target: &Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../corpus")
        .join(target.name);
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|file| fs::read(file).expect("a file"))
        .collect()
}

fn tried(name: &str) {
    let target = TARGETS
        .iter()
        .find(|target| target.name == name)
        .expect("a target");
    let mut inputs = (target.seeds)();
    assert!(inputs.len() >= 5, "{name} has too little to begin with");
    inputs.extend(kept(target));
    run(target, b"");
    inputs.iter().for_each(|input| run(target, input));
    let runs = env::var("POSTERN_FUZZ_RUNS")
        .ok()
        .map(|runs| runs.parse().expect("a number"));
    let mut random = Random(0x706f_7374_6572_6e31 ^ name.len() as u64);
    for _ in 0..runs.unwrap_or_else(|| usual_runs(target)) {
        run(target, &changed(&mut random, &inputs, target.longest));
    }
}

#[test]
fn every_target_has_a_program_and_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("the fuzzer's manifest");
    let tests = include_str!("corpus.rs");
    for Target { name, .. } in TARGETS {
        assert!(
            manifest.contains(&format!("path = \"bin/{name}.rs\"")),
            "{name}"
        );
        let program = fs::read_to_string(root.join(format!("bin/{name}.rs"))).expect(name);
        assert!(
            program.contains(&format!("postern_fuzz_targets::{name}(data)")),
            "{name}"
        );
        assert!(tests.contains(&format!("fn {name}()")), "{name}");
    }
}

#[test]
fn bearer() {
    tried("bearer");
}

#[test]
fn opaque() {
    tried("opaque");
}

#[test]
fn jwt() {
    tried("jwt");
}

#[test]
fn identity() {
    tried("identity");
}

#[test]
fn grpc_web() {
    tried("grpc_web");
}

#[test]
fn connect() {
    tried("connect");
}

#[test]
fn headers() {
    tried("headers");
}

#[test]
fn rest_json() {
    tried("rest_json");
}

#[test]
fn rest_query() {
    tried("rest_query");
}

#[test]
fn routes() {
    tried("routes");
}

#[test]
fn cookies() {
    tried("cookies");
}

#[test]
fn cursors() {
    tried("cursors");
}

#[test]
fn job_tokens() {
    tried("job_tokens");
}

#[test]
fn job_keys() {
    tried("job_keys");
}

#[test]
fn notes() {
    tried("notes");
}

#[test]
fn gate_rpc() {
    tried("gate_rpc");
}

#[test]
fn gate_rest() {
    tried("gate_rest");
}

#[test]
fn ledger() {
    tried("ledger");
}

#[test]
fn ledger_messages() {
    tried("ledger_messages");
}
