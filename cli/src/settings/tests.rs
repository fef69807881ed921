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
        Settings::find_in(flags, None, &|name| self.variables.get(name).cloned())
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
fn a_gateway_gets_no_credential_of_another() {
    let file = "url = \"https://file.example\"\ntoken = \"file\"\nheaders = \"X-From:file\"\n\
                organization = \"file\"\n[profile.bare]\nurl = \"https://bare.example\"\n\
                [profile.staging]\nurl = \"https://staging.example\"\ntoken = \"staging\"\n\
                headers = \"X-From:staging\"\norganization = \"staging\"\n\
                [profile.of]\ntoken = \"of\"\norganization = \"of\"\n";
    let of = [
        ("POSTERN_TOKEN", "variable"),
        ("POSTERN_HEADERS", "X-From:variable"),
        ("POSTERN_ORGANIZATION", "variable"),
    ];
    let url = ("POSTERN_URL", "https://variable.example");
    let profile = |name| ("POSTERN_PROFILE", name);
    // Flags (profile, URL), variables beside those of `of`, whether those are set; the gateway, and
    // whose credential, headers and organization it gets.
    let rows = [
        (Some("bare"), None, &[][..], true, "bare", ""),
        (None, None, &[profile("bare")], true, "bare", ""),
        (Some("staging"), None, &[url], true, "staging", "staging"),
        (
            None,
            None,
            &[profile("staging")],
            true,
            "staging",
            "staging",
        ),
        (
            None,
            None,
            &[url, profile("staging")],
            true,
            "variable",
            "variable",
        ),
        // What stands beside one URL goes to no other.
        (
            None,
            None,
            &[url, profile("staging")],
            false,
            "variable",
            "",
        ),
        (None, None, &[url], false, "variable", ""),
        (None, Some("https://flag.example"), &[], false, "flag", ""),
        (
            Some("staging"),
            Some("https://flag.example"),
            &[],
            false,
            "flag",
            "",
        ),
        // The same gateway, in other letters.
        (
            None,
            Some("https://FILE.example/"),
            &[],
            false,
            "file",
            "file",
        ),
        (
            Some("staging"),
            Some("https://staging.example"),
            &[url],
            false,
            "staging",
            "staging",
        ),
        // The environment is of no gateway of its own, and so is a profile without a URL.
        (None, None, &[], true, "file", "variable"),
        (
            None,
            Some("https://flag.example"),
            &[],
            true,
            "flag",
            "variable",
        ),
        (Some("of"), None, &[url], true, "variable", "of"),
    ];
    for (named, flag, variables, is_set, gateway, whose) in rows {
        let set = of.iter().filter(|_| is_set).chain(variables);
        let world = World::new(&set.copied().collect::<Vec<_>>());
        world.configure(file, 0o600);
        let flags = Flags {
            profile: named.map(str::to_owned),
            url: flag.map(str::to_owned),
            ..Flags::default()
        };
        let row = format!("{named:?} {flag:?} {variables:?} {is_set}");
        let found = world.find(&flags).unwrap();
        let (url, authorization, organization) = shown(&found);
        assert_eq!(
            url.to_lowercase(),
            format!("https://{gateway}.example"),
            "{row}"
        );
        assert_eq!(authorization.trim_start_matches("Bearer "), whose, "{row}");
        assert_eq!(organization, whose, "{row}");
        let headers = found
            .headers
            .first()
            .map(|(_, value)| value.to_str().unwrap());
        let expected = match whose {
            "of" => "variable",
            whose => whose,
        };
        assert_eq!(headers.unwrap_or_default(), expected, "{row}");
        // Flags are for whatever gateway is called.
        let flags = Flags {
            token: Some("flag".into()),
            organization: Some("flag".into()),
            ..flags
        };
        let found = world.find(&flags).unwrap();
        assert_eq!(
            (shown(&found).1, shown(&found).2),
            ("Bearer flag", "flag"),
            "{row}"
        );
        assert_eq!(found.withheld, None, "{row}");
    }
}

#[test]
fn a_credential_that_is_not_sent_is_accounted_for() {
    let world = World::new(&[("POSTERN_TOKEN", "secret"), ("POSTERN_PROFILE", "bare")]);
    world.configure(
        "url = \"https://file.example\"\ntoken = \"secret\"\n[profile.bare]\nurl = \"https://bare.example\"\n",
        0o600,
    );
    let withheld = world.find(&Flags::default()).unwrap().withheld;
    let why = "POSTERN_TOKEN is not sent to the gateway of a profile";
    assert_eq!(withheld.as_deref(), Some(why));
    let world = World::new(&[("POSTERN_URL", "https://variable.example")]);
    world.configure(
        "url = \"https://file.example\"\ntoken = \"secret\"\n",
        0o600,
    );
    let withheld = world.find(&Flags::default()).unwrap().withheld;
    let why = "the token in the configuration file is for https://file.example, and not sent to https://variable.example";
    assert_eq!(withheld.as_deref(), Some(why));
}

#[test]
fn calls_by_a_bridge_carry_what_the_gateway_gets() {
    let bridge = "http://127.0.0.1:9000";
    let of = |variables: &[(&'static str, &str)]| {
        let world = World::new(variables);
        world.configure("url = \"https://file.example\"\ntoken = \"file\"\n", 0o600);
        let environment = |name: &str| world.variables.get(name).cloned();
        Settings::find_in(&Flags::default(), Some(bridge), &environment).unwrap()
    };
    assert_eq!(shown(&of(&[])), (bridge.to_owned(), "Bearer file", ""));
    let other = of(&[("POSTERN_URL", "https://variable.example")]);
    assert_eq!(shown(&other), (bridge.to_owned(), "", ""));
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
fn a_pipe_is_no_configuration_file() {
    let world = World::new(&[("POSTERN_URL", "https://g.example")]);
    world.configure("", 0o600);
    let file = world.home.path().join(".config/postern/config.toml");
    fs::remove_file(&file).unwrap();
    let made = std::process::Command::new("mkfifo")
        .args(["-m", "600"])
        .arg(&file)
        .status();
    assert!(made.unwrap().success());
    let failure = world.find(&Flags::default()).err().unwrap();
    assert_eq!(failure.kind, Kind::Configuration);
    let why = "config.toml: it is not a regular file";
    assert!(failure.message.ends_with(why), "{}", failure.message);
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
