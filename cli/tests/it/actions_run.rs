//! The scripts of `actions/`, run as CI runs them: they install nothing whose checksum does not fit, and hand the new token
//! to the command and to nobody else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::actions::{ACTION, TEMPLATE, VERSION, blocks, pairs, text};
use crate::gateway::{Gateway, Output, ready};
use crate::jobs::{CREDENTIAL, GIVEN, given, of_github, of_gitlab, runner};

const TARGET: &str = "x86_64-unknown-linux-musl";
const RELEASES: &str = "https://releases.acme.dev/";

/// A release, and a stand-in for curl that has it.
struct World {
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self {
            folder: TempDir::new().unwrap(),
        };
        let name = format!("postern-cli-{VERSION}-{TARGET}");
        let release = world.path(&format!("releases/v{VERSION}"));
        fs::create_dir_all(release.join(&name)).unwrap();
        fs::create_dir_all(world.path("bin")).unwrap();
        fs::create_dir_all(world.path("work")).unwrap();
        let program = env!("CARGO_BIN_EXE_postern");
        executable(
            &release.join(&name).join("postern"),
            &format!("#!/bin/sh\nexec {program} \"$@\"\n"),
        );
        let packed = Command::new("sh")
            .args(["-ec", "tar -czf $0.tar.gz $0; { sha256sum $0.tar.gz || shasum -a 256 $0.tar.gz; } > SHA256SUMS", &name])
            .current_dir(&release)
            .status()
            .unwrap();
        assert!(packed.success());
        let curl = format!(
            "#!/bin/sh\nfor url do :; done\nwhile [ \"$1\" != -o ]; do shift; done\necho \"$url\" >> {}\ncp {}/\"${{url#{RELEASES}}}\" \"$2\"\n",
            world.path("asked").display(),
            world.path("releases").display(),
        );
        executable(&world.path("bin/curl"), &curl);
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sum(&self) -> String {
        let sums =
            fs::read_to_string(self.path(&format!("releases/v{VERSION}/SHA256SUMS"))).unwrap();
        sums.split_whitespace().next().unwrap().to_owned()
    }

    /// Runs a script as CI does.
    async fn run(&self, shell: &[&str], script: &str, variables: &[(String, String)]) -> Output {
        let path = format!(
            "{}:{}",
            self.path("bin").display(),
            std::env::var("PATH").unwrap()
        );
        let mut command = Command::new(shell[0]);
        command
            .args(&shell[1..])
            .arg(script)
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.path("work"))
            .env("RUNNER_TEMP", self.path("work"))
            .envs(variables.iter().cloned())
            .current_dir(self.path("work"))
            .stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();
        Output {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The action's two steps, as far as they go.
    async fn action(&self, inputs: &[(&str, &str)], runner: &[(&str, &str)]) -> Output {
        let action = text(ACTION);
        let (scripts, variables) = (blocks(&action, "run: |"), blocks(&action, "env:"));
        let mut last = None;
        for (script, variables) in scripts.iter().zip(&variables) {
            let value = |value: &str| {
                let input = value
                    .trim_start_matches("${{ inputs.")
                    .trim_end_matches(" }}");
                let given = inputs.iter().find(|(name, _)| *name == input);
                given
                    .map(|(_, value)| (*value).to_owned())
                    .unwrap_or_default()
            };
            let own = pairs(variables)
                .into_iter()
                .map(|(name, input)| (name, value(&input)));
            let runner = runner
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let variables: Vec<_> = own.chain(runner).collect();
            let output = self.run(&["bash", "-c"], script, &variables).await;
            let ended = output.code != 0;
            last = Some(output);
            if ended {
                break;
            }
        }
        last.unwrap()
    }
}

fn executable(file: &Path, text: &str) {
    fs::write(file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

const MACHINE: [(&str, &str); 3] = [
    ("RUNNER_OS", "Linux"),
    ("RUNNER_ARCH", "X64"),
    ("GITHUB_ACTIONS", "true"),
];
/// What the jobs run: it says what it was given, in a form that is no token.
const COMMAND: &str = "test \"$CHAINLOOP_TOKEN\" = \"$EXPECTED\"\nfalse | true || echo \"a pipe that breaks ends it\"\n\
                       echo \"attests at ${CHAINLOOP_CONTROL_PLANE_API%:*}\"";

#[tokio::test]
async fn the_action_exchanges_masks_and_runs_the_command() {
    let world = World::new();
    let sum = world.sum();
    for sha256 in ["", sum.as_str()] {
        let _ = fs::remove_file(world.path("asked"));
        let gateway = Gateway::start(vec![given(), ready()]).await;
        let github = runner(&of_github(&format!("{}/acme", gateway.url))).await;
        let inputs = [
            ("gateway", gateway.url.as_str()),
            ("organization", "acme"),
            ("command", COMMAND),
            ("releases", RELEASES),
            ("version", VERSION),
            ("sha256", sha256),
        ];
        let mut variables = MACHINE.to_vec();
        variables.extend([
            ("EXPECTED", GIVEN),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", github.url.as_str()),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", CREDENTIAL),
        ]);
        let output = world.action(&inputs, &variables).await;
        assert_eq!(output.code, 0, "{}\n{}", output.stdout, output.stderr);
        assert_eq!(
            output.stdout,
            "a pipe that breaks ends it\nattests at 127.0.0.1\n"
        );
        assert_eq!(output.stderr, format!("::add-mask::{GIVEN}\n"));
        assert_eq!(gateway.asked(), ["POST /oauth/token", "GET /readyz"]);
        let asked = fs::read_to_string(world.path("asked")).unwrap();
        let names = format!("{RELEASES}v{VERSION}/postern-cli-{VERSION}-{TARGET}.tar.gz\n");
        let sums = if sha256.is_empty() {
            format!("{RELEASES}v{VERSION}/SHA256SUMS\n")
        } else {
            String::new()
        };
        assert_eq!(asked, names + &sums);
    }
}

#[tokio::test]
async fn the_action_stops_where_something_is_wrong() {
    let world = World::new();
    let gateway = Gateway::start(Vec::new()).await;
    let other = "0".repeat(64);
    let windows = [("RUNNER_OS", "Windows"), ("RUNNER_ARCH", "X64")];
    for (inputs, machine, why) in [
        (
            &[("sha256", other.as_str())][..],
            &MACHINE[..],
            "is not what its SHA-256 says",
        ),
        (&[("sha256", "none")], &MACHINE, "there is no SHA-256 of "),
        (
            &[("version", "1/../$(touch pwned)")],
            &MACHINE,
            "the version must look like 0.1.0",
        ),
        (&[("version", "9.9.9")], &MACHINE, "No such file"),
        (&[], &windows, "there is no release for this runner"),
        // The job has no permission: nothing runs.
        (
            &[],
            &MACHINE,
            "add `permissions: id-token: write` to the job",
        ),
        (
            &[("audience", "$(touch pwned)\"; touch pwned; \"")],
            &MACHINE,
            "add `permissions: id-token: write`",
        ),
        (
            &[("gateway", "$(touch pwned)")],
            &MACHINE,
            "the gateway's address `$(touch pwned)`",
        ),
    ] {
        let _ = fs::remove_dir_all(world.path("work"));
        fs::create_dir_all(world.path("work")).unwrap();
        let all: Vec<_> = inputs
            .iter()
            .copied()
            .chain([
                ("gateway", gateway.url.as_str()),
                ("organization", "acme"),
                ("command", "touch pwned"),
                ("releases", RELEASES),
                ("version", VERSION),
            ])
            .collect();
        let output = world.action(&all, machine).await;
        assert_ne!(output.code, 0, "{why}");
        let said = output.stdout + &output.stderr;
        assert!(said.contains(why), "{why}: {said}");
        assert!(!world.path("work/pwned").exists(), "{why}");
        let unpacked = world
            .path(&format!("work/postern-{VERSION}/postern"))
            .exists();
        assert_eq!(
            unpacked,
            !why.contains("SHA") && (why.contains("permissions") || why.contains("address"))
        );
    }
    assert!(gateway.asked().is_empty());
}

#[tokio::test]
async fn the_template_exchanges_and_runs_the_command() {
    let world = World::new();
    let template = text(TEMPLATE);
    let script = blocks(&template, "- |").concat();
    assert!(template.contains("      aud: \"$POSTERN_URL/$POSTERN_ORGANIZATION\"\n"));
    let gateway = Gateway::start(vec![given(), ready()]).await;
    let token = of_gitlab(&format!("{}/acme", gateway.url));
    let variables = |sha256: &str| {
        [
            ("POSTERN_URL", gateway.url.as_str()),
            ("POSTERN_ORGANIZATION", "acme"),
            ("POSTERN_RELEASES", RELEASES),
            ("POSTERN_VERSION", VERSION),
            ("POSTERN_TARGET", TARGET),
            ("POSTERN_SHA256", sha256),
            ("POSTERN_ID_TOKEN", &token),
            ("POSTERN_COMMAND", COMMAND),
            ("EXPECTED", GIVEN),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let output = world
        .run(&["sh", "-ec"], &script, &variables(&"0".repeat(64)))
        .await;
    assert_ne!(output.code, 0);
    assert!(gateway.asked().is_empty(), "{}", output.stderr);
    let output = world.run(&["sh", "-ec"], &script, &variables("")).await;
    assert_eq!(output.code, 0, "{}\n{}", output.stdout, output.stderr);
    assert!(
        output.stdout.ends_with("attests at 127.0.0.1\n"),
        "{}",
        output.stdout
    );
    for secret in [GIVEN, &token] {
        assert!(!output.stdout.contains(secret) && !output.stderr.contains(secret));
    }
    assert_eq!(gateway.asked(), ["POST /oauth/token", "GET /readyz"]);
}
