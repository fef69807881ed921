//! A folder with a release in it, and a stand-in for wrangler there: it writes down what it was called with and given,
//! and answers as wrangler does. Asserts nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::gateway::{Output, run};

pub const DATABASE_ID: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
pub const NAMESPACE_ID: &str = "06779da6940b431db6e566b4846d64db";

/// What answers for wrangler. Its state is files beside it; `fail` names the call that fails.
const SCRIPT: &str = r##"#!/bin/sh
state="$(dirname "$0")"
printf '%s\n' "$*" >> "$state/argv"
input=$(cat)
[ -z "$input" ] || printf '%s\n' "$input" >> "$state/stdin"
[ -z "$POSTERN_TOKEN" ] || echo "$POSTERN_TOKEN" >> "$state/leaked"
if [ "$*" = "$(cat "$state/fail" 2>/dev/null)" ]; then
  echo "[ERROR] A request to the Cloudflare API failed: it is so" >&2
  exit 1
fi
case "$*" in
  "whoami --json") echo '{"loggedIn":true}' ;;
  "d1 list --json") echo "wrangler says hello"; cat "$state/d1" ;;
  "d1 create "*) printf '[{"uuid":"@DATABASE@","name":"%s"}]' "$3" > "$state/d1"; echo "Created your new D1 database." ;;
  "kv namespace list") cat "$state/kv" ;;
  "kv namespace create "*) printf '[{"id":"@NAMESPACE@","title":"%s"}]' "$4" > "$state/kv" ;;
  "d1 migrations apply DB --remote") echo "No migrations to apply!" ;;
  "secret list --format json"|"secret list --name postern --format json")
    if [ -e "$state/secrets" ]; then cat "$state/secrets"; exit 0; fi
    printf '[ERROR] Worker "postern" not found.\n\nIf this is a new Worker, run `wrangler deploy` first to create it.\n' >&2
    exit 1 ;;
  "secret bulk") printf '%s' "$input" | sed -E 's/"([A-Z_]+)":"[^"]*"/{"name":"\1"}/g; s/^\{/[/; s/\}$/]/' > "$state/secrets" ;;
  "deploy") printf '{"type":"deploy","targets":[%s]}\n' "$(cat "$state/targets" 2>/dev/null)" > "$WRANGLER_OUTPUT_FILE_PATH" ;;
  *) echo "unknown: $*" >&2; exit 1 ;;
esac
"##;

/// The folder.
pub struct Folder {
    folder: TempDir,
}

impl Folder {
    /// With the configuration of a release, and a stand-in that knows of nothing yet.
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let template =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../packages/create-postern/template");
        let to = folder.path().join("wrangler.jsonc");
        fs::copy(template.join("wrangler.jsonc"), to).unwrap();
        let new = Self { folder };
        fs::create_dir_all(new.state()).unwrap();
        let script = SCRIPT.replace("@DATABASE@", DATABASE_ID);
        fs::write(
            new.file("wrangler"),
            script.replace("@NAMESPACE@", NAMESPACE_ID),
        )
        .unwrap();
        fs::set_permissions(new.file("wrangler"), fs::Permissions::from_mode(0o755)).unwrap();
        for list in ["d1", "kv"] {
            fs::write(new.file(list), "[]").unwrap();
        }
        new
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn state(&self) -> PathBuf {
        self.path().join("node_modules/.bin")
    }

    /// A file of the stand-in's.
    pub fn file(&self, name: &str) -> PathBuf {
        self.state().join(name)
    }

    /// What is in such a file; nothing if it is not there.
    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// The calls so far, which are forgotten.
    pub fn calls(&self) -> Vec<String> {
        let calls = self.text("argv").lines().map(str::to_owned).collect();
        let _ = fs::remove_file(self.file("argv"));
        calls
    }

    /// The configuration as it is now.
    pub fn config(&self) -> String {
        fs::read_to_string(self.path().join("wrangler.jsonc")).unwrap()
    }

    /// Runs `postern setup` here, with further flags and variables.
    pub async fn setup(&self, flags: &[&str], variables: &[(&str, &str)]) -> Output {
        let path = std::env::var("PATH").unwrap();
        let mut words = vec!["setup", "--folder", self.path().to_str().unwrap()];
        words.extend(flags);
        let mut all = vec![("PATH", path.as_str())];
        all.extend(variables);
        run(&words, &all, "").await
    }
}
