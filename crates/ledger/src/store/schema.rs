//! The Ledger's tables, as steps that only ever go forward. A step is never changed: Ledgers of an
//! earlier release have taken it already, and take only those that came after.

use crate::sql::{Result, Sql, Value};

/// Each step's statements. A Ledger's version is the number of steps it has taken.
const STEPS: [&[&str]; 15] = [
    FIRST, PINS, REFUSALS, INDEXES, NAME, RETIRING, EVENTS, LEASES, UPSTREAMS, REBUILD, TRUST,
    ACTIVITY, TREE, POLICY, CALLS,
];

/// The first release.
const FIRST: &[&str] = &[
    "create table tokens (
        id text primary key not null,
        facts text not null,
        -- Names are unique in a project, or among the organization's own tokens (R8).
        place text not null,
        name text not null,
        description text,
        is_system integer not null,
        state integer not null,
        project text,
        minted_by text,
        -- The token that this one succeeds.
        replaces text,
        address text,
        created_at integer not null,
        expires_at integer,
        -- When it ended; ahead of now for a token that is being rotated out.
        revoked_at integer,
        -- The Ledger's version when its standing last changed.
        version integer,
        -- Since when it is held back; null = it is not.
        quarantined_at integer,
        uses integer not null default 0,
        used_at integer
    ) strict",
    "create index tokens_by_name on tokens (place, name) where state < 2",
    "create index tokens_by_minter on tokens (minted_by)",
    "create index tokens_by_predecessor on tokens (replaces)",
    "create table runs (
        id text primary key not null,
        facts text not null
    ) strict, without rowid",
    "create table outbox (
        id integer primary key autoincrement,
        effects text not null
    ) strict",
    "create table head (
        only integer primary key check (only = 0),
        version integer not null,
        sequence integer not null,
        link text not null
    ) strict",
];

/// The version of the tables, and the origin's id of the workflow that a token is for.
const PINS: &[&str] = &[
    "create table schema (
        only integer primary key check (only = 0),
        version integer not null
    ) strict",
    "create table pins (
        token text primary key not null,
        workflow text not null
    ) strict, without rowid",
];

/// How many mints were refused in an hour, by outcome.
const REFUSALS: &[&str] = &["create table refusals (
        outcome text primary key not null,
        organization text not null,
        hour integer not null,
        written integer not null,
        left_out integer not null
    ) strict"];

/// What has changed since a version, who lives, and what is pending, found without reading every
/// token that ever was.
const INDEXES: &[&str] = &[
    "create index tokens_by_version on tokens (version) where version is not null",
    "create index tokens_living on tokens (expires_at)
        where state < 2 and is_system = 0 and revoked_at is null",
    "create index tokens_pending on tokens (id) where state = 0",
];

/// The organization's name: of the first token, where there are tokens already.
const NAME: &[&str] = &[
    "create table organization (
        only integer primary key check (only = 0),
        name text not null
    ) strict",
    "insert into organization (only, name)
        select 0, json_extract(facts, '$.organization.name') from tokens
        where rowid = (select min(rowid) from tokens)",
];

/// Those that are being rotated out, which the ceiling counts beyond the first of a line (R27).
const RETIRING: &[&str] = &["create index tokens_retiring on tokens (revoked_at)
        where state < 2 and is_system = 0 and revoked_at is not null"];

/// Copies of the newest events, to mend exports if D1 loses or changes them.
const EVENTS: &[&str] = &["create table events (
        sequence integer primary key not null,
        content text not null,
        previous text not null,
        link text not null,
        kid text not null
    ) strict"];

/// The longest lease that may be out, for the next instance (R41).
const LEASES: &[&str] = &["create table leases (
        only integer primary key check (only = 0),
        longest_ms integer not null
    ) strict"];

/// Upstream credentials, sealed, and the version of the revocation log at which one last changed
/// (R42). A project or workflow that is none is empty.
const UPSTREAMS: &[&str] = &[
    "create table upstreams (
        id text primary key not null,
        project text not null,
        workflow text not null,
        sealed text not null,
        digest text not null,
        set_by text not null,
        set_at integer not null,
        -- The Ledger's version when it was set.
        version integer not null,
        -- Until when it is kept, having been replaced; null = it was not.
        until integer
    ) strict, without rowid",
    "create unique index upstreams_current on upstreams (project, workflow) where until is null",
    "create index upstreams_of_reach on upstreams (project, workflow, version)",
    "create index upstreams_kept on upstreams (until) where until is not null",
    "create table upstream_changes (
        only integer primary key check (only = 0),
        version integer not null
    ) strict",
];

/// A rebuild from D1 that is not over, and what D1's log says of each token. Both are empty otherwise.
const REBUILD: &[&str] = &[
    "create table rebuild (
        only integer primary key check (only = 0),
        state text not null
    ) strict",
    "create table rebuild_tokens (
        token text primary key not null,
        created integer not null default 0,
        -- 1 = its creation was abandoned, 2 = it was revoked.
        ended integer not null default 0,
        quarantined integer not null default 0,
        -- 1 = D1 has its row.
        recorded integer not null default 0,
        replaces text,
        address text
    ) strict, without rowid",
    "create index rebuild_tokens_by_predecessor on rebuild_tokens (replaces)
        where replaces is not null",
];

/// Trust rules for CI jobs (R47), and the rule that gave a token.
const TRUST: &[&str] = &[
    "create table trust_rules (
        id text primary key not null,
        -- The issuer's URL, and what its jobs are known by.
        subject text not null,
        rule text not null,
        created_by text not null,
        created_at integer not null
    ) strict, without rowid",
    "create index trust_rules_by_subject on trust_rules (subject)",
    "create table policy (
        only integer primary key check (only = 0),
        -- 1 = CI jobs alone get tokens.
        federated_only integer not null
    ) strict",
    "alter table tokens add column rule text",
    "create index tokens_by_rule on tokens (rule, created_at) where rule is not null",
    "create index tokens_of_rules on tokens (created_at) where rule is not null",
    "create index tokens_of_rules_by_end on tokens (expires_at) where rule is not null",
];

/// What calls have come to (R49): by day, of each token and, where the token is empty, of all; and the
/// last that were refused.
const ACTIVITY: &[&str] = &[
    "create table activity_days (
        day integer not null,
        token text not null,
        allowed integer not null,
        origin_trouble integer not null,
        -- The sum of those in `refused`.
        refusals integer not null,
        -- Credentials that were refused before any organization was known.
        offline integer not null,
        refused text not null,
        callers text not null,
        primary key (token, day)
    ) strict, without rowid",
    "create index activity_days_by_day on activity_days (day)",
    "create index activity_days_refused on activity_days (day)
        where refusals > 0 and token > ''",
    "create table refused_calls (
        id integer primary key not null,
        at integer not null,
        operation text,
        reason text not null,
        token text not null,
        address text,
        request_id text not null,
        user_agent text
    ) strict",
];

/// The Merkle tree over the audit log (R54): its growing end, its tiles, and what was signed last.
const TREE: &[&str] = &[
    "create table tree (
        only integer primary key check (only = 0),
        size integer not null,
        -- Of the last event that it has.
        link text not null,
        -- The roots of its complete subtrees, and the leaves behind the last full tile: base64.
        frontier text not null,
        tail text not null
    ) strict",
    "create table tree_tiles (
        -- 0 = hashes of leaves; above, roots of full tiles of the level below.
        level integer not null,
        place integer not null,
        hashes text not null,
        primary key (level, place)
    ) strict, without rowid",
    "create table tree_signed (
        only integer primary key check (only = 0),
        -- The name of the log, as it was signed.
        origin text not null,
        size integer not null,
        root text not null
    ) strict",
];

/// The pause of the organization, and what new tokens must keep to (R53).
const POLICY: &[&str] = &[
    "create table pause (
        only integer primary key check (only = 0),
        -- The Ledger's version when the last pause began.
        version integer not null,
        -- Null = it is over.
        paused_at integer,
        paused_by text,
        reason text
    ) strict",
    "alter table policy add column max_lifetime_days integer not null default 0",
    "alter table policy add column default_expires_in integer",
    "alter table policy add column trusted_issuers text",
];

/// What was given of tokens that may make only so many calls a minute (R53): seconds and calls, as JSON.
const CALLS: &[&str] = &["create table call_windows (
        token text primary key not null,
        window text not null
    ) strict, without rowid"];

/// Whether the organization has written anything yet; if so, its tables are those of this release
/// when this returns. A Ledger that was only asked stores nothing (strangers create nothing).
pub fn open(sql: &impl Sql) -> Result<bool> {
    let version = version(sql)?;
    if version > 0 {
        advance(sql, version)?;
    }
    Ok(version > 0)
}

/// Makes the tables on the first write.
pub fn create(sql: &impl Sql) -> Result<()> {
    advance(sql, 0)
}

/// Takes the steps that are missing, in one turn: they are stored together or not at all.
fn advance(sql: &impl Sql, from: usize) -> Result<()> {
    if from >= STEPS.len() {
        // Newer than this release while a deployment rolls out: steps only add.
        return Ok(());
    }
    for statement in STEPS.iter().skip(from).copied().flatten() {
        sql.run(statement, &[])?;
    }
    let query = "insert into schema (only, version) values (0, ?1) \
                 on conflict (only) do update set version = ?1";
    let version = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    sql.run(query, &[Value::Integer(version)]).map(|_| ())
}

/// The steps taken; 0 = there are no tables.
fn version(sql: &impl Sql) -> Result<usize> {
    let query = "select name from sqlite_master where name in ('head', 'schema')";
    let tables: Vec<String> = sql
        .run(query, &[])?
        .into_iter()
        .map(|mut row| row.text())
        .collect::<Result<_>>()?;
    if tables.iter().any(|table| table == "schema") {
        let row = sql.run("select version from schema", &[])?.pop();
        let version = row.map_or(Ok(1), |mut row| row.integer())?;
        return Ok(usize::try_from(version).unwrap_or_default());
    }
    Ok(usize::from(!tables.is_empty()))
}
