//! Settings from options, variables and files, and which of them wins.

use super::*;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

struct World {
    home: TempDir,
    variables: BTreeMap<&'static str, OsString>,
}

impl World {
    fn new(variables: &[(&'static str, &str)]) -> Self {
        let home = TempDir::new().unwrap();
        let mut all = BTreeMap::from([("HOME", home.path().as_os_str().to_owned())]);
        all.extend(
            variables
                .iter()
                .map(|(name, value)| (*name, (*value).into())),
        );
        Self {
            home,
            variables: all,
        }
    }

    fn configure(&self, text: &str, mode: u32) {
        let folder = self.home.path().join(".config/postern");
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("config.toml");
        fs::write(&file, text).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn find(&self, flags: &Flags) -> Outcome<Settings> {
        Settings::find_in(flags, &|name| self.variables.get(name).cloned())
    }
}

fn shown(settings: &Settings) -> (String, &str, &str) {
    let text = |value: &'_ Option<HeaderValue>| {
        let value = value.as_ref().map(|value| value.to_str().unwrap());
        value.unwrap_or_default().to_owned().leak() as &str
    };
    (
        settings.gateway.to_string(),
        text(&settings.authorization),
        text(&settings.organization),
    )
}

#[test]
fn flags_before_variables_before_the_file() {
    let variables = [
        ("POSTERN_URL", "https://variable.example"),
        ("POSTERN_TOKEN", "variable"),
        ("POSTERN_ORGANIZATION", "variable"),
    ];
    let file = "url = \"https://file.example\"\ntoken = \"file\"\norganization = \"file\"\n";
    let flags = Flags {
        url: Some("https://flag.example".into()),
        token: Some("flag".into()),
        organization: Some("flag".into()),
        ..Flags::default()
    };
    for (flags, variables, from) in [
        (&flags, &variables[..], "flag"),
        (&Flags::default(), &variables, "variable"),
        (&Flags::default(), &[], "file"),
    ] {
        let world = World::new(variables);
        world.configure(file, 0o600);
        let settings = world.find(flags).unwrap();
        let url = format!("https://{from}.example");
        let bearer = format!("Bearer {from}");
        assert_eq!(shown(&settings), (url, bearer.as_str(), from));
        assert!(settings.authorization.unwrap().is_sensitive());
    }
    // Empty variables are not set.
    let world = World::new(&[("POSTERN_URL", ""), ("POSTERN_TOKEN", "")]);
    world.configure(file, 0o400);
    let settings = world.find(&Flags::default()).unwrap();
    assert_eq!(shown(&settings).1, "Bearer file");
}

#[test]
fn blanks_around_a_value_are_dropped() {
    let variables = [
        ("POSTERN_URL", " https://gate.example\r"),
        ("POSTERN_TOKEN", "\u{feff}token\r\n"),
        ("POSTERN_ORGANIZATION", "acme\r"),
    ];
    let flags = Flags {
        url: Some("https://gate.example\r\n".into()),
        token: Some(" token\t".into()),
        organization: Some("\u{feff} acme ".into()),
        ..Flags::default()
    };
    for (flags, variables) in [(&Flags::default(), &variables[..]), (&flags, &[])] {
        let settings = World::new(variables).find(flags).unwrap();
        let expected = ("https://gate.example".to_owned(), "Bearer token", "acme");
        assert_eq!(shown(&settings), expected);
    }
    // Nothing but blanks is not set; a flag that is given means something.
    let world = World::new(&[
        ("POSTERN_URL", "https://g.example"),
        ("POSTERN_ORGANIZATION", " \r"),
    ]);
    assert_eq!(shown(&world.find(&Flags::default()).unwrap()).2, "");
    for organization in ["", " ", "a\nb"] {
        let flags = Flags {
            organization: Some(organization.into()),
            ..Flags::default()
        };
        let failure = world.find(&flags).err().expect(organization);
        assert_eq!(failure.kind, Kind::Usage);
        assert!(
            failure
                .message
                .ends_with("cannot be the name of an organization")
        );
    }
}

#[test]
fn headers_for_what_stands_in_front_come_from_the_variable_or_the_file() {
    let url = ("POSTERN_URL", "https://gate.example");
    let names = |world: &World| {
        let settings = world.find(&Flags::default()).unwrap();
        let headers = settings.headers.iter();
        let named = headers.map(|(name, value)| {
            assert!(value.is_sensitive());
            name.as_str().to_owned()
        });
        named.collect::<Vec<_>>()
    };
    let world = World::new(&[url]);
    assert!(names(&world).is_empty());
    world.configure("headers = \"X-File:a\"", 0o600);
    assert_eq!(names(&world), ["x-file"]);
    let world = World::new(&[url, ("POSTERN_HEADERS", " X-Variable:b\n")]);
    world.configure("headers = \"X-File:a\"", 0o600);
    assert_eq!(names(&world), ["x-variable"]);
    let world = World::new(&[url, ("POSTERN_HEADERS", "Authorization:5ecret")]);
    let failure = world.find(&Flags::default()).err().expect("refused");
    assert_eq!(failure.kind, Kind::Configuration);
}

#[test]
fn a_file_that_others_may_use_is_refused() {
    for mode in [0o640, 0o604, 0o660, 0o620, 0o610, 0o644] {
        let world = World::new(&[("POSTERN_URL", "https://g.example")]);
        world.configure("token = \"secret\"\n", mode);
        let failure = world.find(&Flags::default()).err().unwrap();
        assert_eq!(failure.kind, Kind::Configuration);
        assert!(failure.message.contains("others than its owner"));
        assert!(failure.hint.unwrap().starts_with("chmod 600 /"));
    }
}

#[test]
fn what_is_wrong_with_a_file_is_said_without_the_token() {
    for (text, why) in [
        ("token = \"secret\"\ntokens = 1\n", "unknown field `tokens`"),
        ("token = \"secret\nurl = 1\n", "invalid basic string"),
        ("token = [\"secret\"]\n", "invalid type: sequence"),
    ] {
        let world = World::new(&[("POSTERN_URL", "https://g.example")]);
        world.configure(text, 0o600);
        let failure = world.find(&Flags::default()).err().unwrap();
        assert_eq!(failure.kind, Kind::Configuration);
        assert!(failure.message.contains(why), "{}", failure.message);
        assert!(!failure.message.contains("secret"), "{}", failure.message);
    }
}

#[test]
fn places() {
    let check = |variables: &[(&'static str, &str)], expected: Option<&str>| {
        let variables: BTreeMap<_, _> = variables.iter().copied().collect();
        let path = file::path(&|name| variables.get(name).map(Into::into));
        assert_eq!(path, expected.map(PathBuf::from), "{variables:?}");
    };
    let file = Some("/home/kim/.config/postern/config.toml");
    check(&[("HOME", "/home/kim")], file);
    check(&[("HOME", "/home/kim"), ("XDG_CONFIG_HOME", "x")], file);
    let file = Some("/x/postern/config.toml");
    check(&[("HOME", "/home/kim"), ("XDG_CONFIG_HOME", "/x")], file);
    check(&[("HOME", "")], None);
    check(&[], None);
}

#[test]
fn values_that_cannot_be_sent() {
    let world = World::new(&[("POSTERN_URL", "https://g.example")]);
    for token in ["", " ", "a b", "a\nb", "\u{e9}"] {
        let flags = Flags {
            token: Some(token.into()),
            ..Flags::default()
        };
        let failure = world.find(&flags).err().expect(token);
        assert_eq!(failure.kind, Kind::Credential, "{token}");
    }
    let failure = World::new(&[]).find(&Flags::default()).err().unwrap();
    assert_eq!(failure.message, "which gateway?");
}
