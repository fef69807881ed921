//! Command lines that are understood, and what is said of those that are not.

use super::*;

fn typed(line: &str) -> Outcome<Request> {
    parse(line.split_whitespace().map(str::to_owned))
}

fn refused(line: &str, saying: &str) {
    let failure = typed(line).expect_err(line);
    assert_eq!(failure.code, 2, "{line}");
    assert!(
        failure.message.contains(saying),
        "{line}: {}",
        failure.message
    );
}

#[test]
fn plain_commands() {
    assert_eq!(typed(""), Ok(Request::Help));
    assert_eq!(typed("help"), Ok(Request::Help));
    assert_eq!(typed("serve --help"), Ok(Request::Help));
    assert_eq!(typed("build"), Ok(Request::Build(Module::Current)));
    assert_eq!(
        typed("build previous"),
        Ok(Request::Build(Module::Previous))
    );
    refused("build later", "`build` takes `previous`, or nothing");
    for (line, what) in [
        ("release", Release::Make),
        ("release --command", Release::Command),
        ("release --check", Release::Check),
        ("release --test", Release::Test),
    ] {
        assert_eq!(typed(line), Ok(Request::Release(what)), "{line}");
    }
    refused("release --check --test", "`release` takes `--command`");
    for (line, with) in [
        ("origin --port 9", &[][..]),
        ("origin --strict --port=9", &["--strict"]),
        (
            "origin --port 9 --store-port 8 --strict --organization=acme",
            &["--strict", "--store-port", "8", "--organization", "acme"],
        ),
    ] {
        let with = with.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(typed(line), Ok(Request::Origin { port: 9, with }), "{line}");
    }
}

#[test]
fn what_the_fuzzer_tries() {
    let fuzz = |targets: &[&str], seconds, runs, seed, jobs| {
        Ok(Request::Fuzz(Fuzz {
            targets: targets.iter().map(|name| (*name).to_owned()).collect(),
            seconds,
            runs,
            seed,
            jobs,
        }))
    };
    for (line, expected) in [
        ("fuzz", fuzz(&[], Some(20), None, None, None)),
        ("fuzz jwt", fuzz(&["jwt"], Some(20), None, None, None)),
        ("fuzz --seconds 600", fuzz(&[], Some(600), None, None, None)),
        (
            "fuzz jwt bearer --jobs 1",
            fuzz(&["jwt", "bearer"], Some(20), None, None, Some(1)),
        ),
        (
            "fuzz --runs 10000000",
            fuzz(&[], None, Some(10_000_000), None, None),
        ),
        (
            "fuzz jwt --seconds=5 --runs 1000 --seed 7",
            fuzz(&["jwt"], Some(5), Some(1_000), Some(7), None),
        ),
    ] {
        assert_eq!(typed(line), expected, "{line}");
    }
    refused("fuzz --seconds 0", "`--seconds` is `0`");
    refused("fuzz --jobs 0", "`--jobs` is `0`");
    refused("fuzz --minutes 1", "`fuzz` does not know `--minutes`");
    refused("fuzz --runs 5 jwt", "`fuzz` does not know `jwt`");
}

#[test]
fn how_often_a_gateway_is_killed() {
    let kill = |rounds, seed| Ok(Request::Kill(Kill { rounds, seed }));
    for (line, expected) in [
        ("kill", kill(50, None)),
        ("kill --rounds 3", kill(3, None)),
        ("kill --rounds=200 --seed 7", kill(200, Some(7))),
    ] {
        assert_eq!(typed(line), expected, "{line}");
    }
    refused("kill --rounds 0", "`--rounds` is `0`");
    refused("kill --seed x", "`--seed` is `x`");
    refused("kill 50", "`kill` does not know `50`");
}

#[test]
fn what_is_started_to_try_things() {
    let dev = |port, origin_port, issuer_port, state: Option<&str>| {
        Ok(Request::Dev(Dev {
            port,
            origin_port,
            issuer_port,
            state: state.map(PathBuf::from),
        }))
    };
    assert_eq!(typed("dev"), dev(8787, 9090, None, None));
    assert_eq!(typed("dev --ci"), dev(8787, 9090, Some(9091), None));
    assert_eq!(
        typed("dev --port 1 --origin-port=2 --state d --ci --issuer-port 3"),
        dev(1, 2, Some(3), Some("d"))
    );
    assert_eq!(
        typed("dev --port 9091"),
        dev(9091, 9090, None, None),
        "no issuer"
    );
    refused("dev --port 1 --origin-port 1", "cannot both");
    refused("dev --ci --port 9091", "the gateway and the issuer");
    refused("dev --ci --issuer-port 9090", "the origin and the issuer");
    refused("dev --issuer-port 3", "is for `--ci`");
    refused("dev --ci --ci", "`--ci` is given twice");
    assert_eq!(
        typed("issuer --port 9091"),
        Ok(Request::Issuer { port: 9091 })
    );
    refused("issuer", "needs `--port`");
    refused("issuer --port 1 --strict", "does not know `--strict`");
    refused("origin --port 1 --strict --strict", "given twice");
}

#[test]
fn tests_in_parts() {
    let tests = |line| match typed(line) {
        Ok(Request::Test(tests)) => tests,
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(tests("test"), Tests::All);
    assert_eq!(tests("test native"), Tests::Native);
    assert_eq!(tests("test system"), Tests::System(None));
    assert_eq!(
        tests("test system routes"),
        Tests::System(Some("routes".to_owned()))
    );
    assert_eq!(tests("test browser"), Tests::Browser);
    assert_eq!(tests("test openapi"), Tests::OpenApi(OpenApi::default()));
    let (examples, seed) = (50, 7);
    assert_eq!(
        tests("test openapi --examples 50 --seed=7"),
        Tests::OpenApi(OpenApi { examples, seed })
    );
}

#[test]
fn serve_in_full() {
    let line = "serve --port 8000 --origin http://o --state d --set A=b=c --set B_2= --isolates 4 \
         --brake 7";
    let set = vec![
        ("A".to_owned(), "b=c".to_owned()),
        ("B_2".to_owned(), String::new()),
    ];
    let expected = Serve {
        port: 8000,
        origin: "http://o".to_owned(),
        state: "d".into(),
        set,
        isolates: 4,
        brake: Some(7),
        modules: Vec::new(),
        ledgers: None,
    };
    assert_eq!(typed(line), Ok(Request::Serve(expected)));
}

#[test]
fn serve_of_two_releases() {
    let Ok(Request::Serve(serve)) = typed(
        "serve --port 1 --origin http://o --state d --modules previous,current --ledgers previous",
    ) else {
        panic!("refused");
    };
    assert_eq!(serve.modules, [Module::Previous, Module::Current]);
    assert_eq!((serve.isolates, serve.ledgers), (2, Some(Module::Previous)));
}

#[test]
fn an_equals_sign_may_join_option_and_value() {
    let Ok(Request::Serve(serve)) =
        typed("serve --port=8000 --origin=http://o/?a=b --state=d --set=A=b")
    else {
        panic!("refused");
    };
    assert_eq!(
        (serve.origin.as_str(), serve.isolates, serve.brake),
        ("http://o/?a=b", 1, None)
    );
    assert_eq!(serve.set, [("A".to_owned(), "b".to_owned())]);
}

#[test]
fn the_supply_chain() {
    let chain =
        |line: &str, wanted| assert_eq!(typed(line), Ok(Request::SupplyChain(wanted)), "{line}");
    chain("supply-chain", SupplyChain::default());
    chain(
        "supply-chain --advisories=d --no-module --offline",
        SupplyChain {
            advisories: Some("d".into()),
            offline: true,
            no_module: true,
        },
    );
    refused("supply-chain --quick", "does not know `--quick`");
}

#[test]
fn what_is_wrong_is_named() {
    let serve = "serve --port 8000 --origin http://o --state d";
    refused("fly", "no such command");
    refused(&format!("{serve} --modules old"), "`old` is no module");
    refused(
        &format!("{serve} --modules current --isolates 1"),
        "leave `--isolates` out",
    );
    refused("serve", "needs `--port`");
    refused("serve --port 1 --state d", "needs `--origin`");
    refused("serve --port 1 --origin o", "needs `--state`");
    refused("serve --port", "`--port` needs a value");
    refused("serve --port 0 --origin o --state d", "from 1 to 65535");
    refused("serve --port 65536 --origin o --state d", "from 1 to 65535");
    refused(
        "serve --port 65535 --isolates 2 --origin o --state d",
        "beyond 65535",
    );
    refused(&format!("{serve} --isolates 0"), "from 1 to 16");
    refused(&format!("{serve} --isolates 17"), "from 1 to 16");
    refused(&format!("{serve} --isolates x"), "from 1 to 16");
    refused(&format!("{serve} --brake 0"), "at least 1");
    refused(&format!("{serve} --brake x"), "at least 1");
    refused(&format!("{serve} --port 1"), "given twice");
    refused(&format!("{serve} --set A"), "KEY=VALUE");
    refused(&format!("{serve} --set a=b"), "not a variable name");
    refused(&format!("{serve} --set LEDGER=b"), "names a store");
    refused(&format!("{serve} extra"), "does not know `extra`");
    refused("test fast", "no such tests: `fast`");
    refused("test native routes", "does not know `routes`");
    refused("test system routes runs", "the name of one file");
    refused("test system --fast", "the name of one file");
    refused("test openapi --examples 0", "at least 1");
    refused("test openapi --seed x", "at least 1");
    refused("build --fast", "`build` takes `previous`");
    refused("attest --gateway u --project p", "needs `--workflow`");
}
