-- Why: the first record of organizations, projects, workflows, tokens, runs and audit events.
-- Nothing runs before it. Times are milliseconds since 1970; ids are lower case UUIDs with hyphens.

create table organizations (
    id text primary key not null,
    name text not null unique,
    -- Most live tokens; null = the configured default, 0 = no ceiling (R27).
    mint_ceiling integer check (mint_ceiling >= 0),
    -- Days without use after which a token is revoked; 0 = never (R14).
    max_idle_days integer not null default 0 check (max_idle_days between 0 and 365),
    created_at integer not null
) strict;

create index organizations_by_age on organizations (created_at desc, id desc);

create table projects (
    id text primary key not null,
    organization_id text not null references organizations (id),
    name text not null,
    created_at integer not null,
    unique (organization_id, name)
) strict;

create index projects_by_age on projects (organization_id, created_at desc, id desc);

create table workflows (
    id text primary key not null,
    project_id text not null references projects (id),
    name text not null,
    created_at integer not null,
    unique (project_id, name)
) strict;

create index workflows_by_age on workflows (project_id, created_at desc, id desc);
create index workflows_by_name on workflows (name, project_id);

-- What tokens are, and, following the Ledger, whether they still live. The Ledger decides; this
-- table is what is searched and listed. It keeps no secret: an opaque key's keyed hash only.
create table tokens (
    id text primary key not null,
    organization_id text not null references organizations (id),
    project_id text references projects (id),
    workflow_id text references workflows (id),
    name text not null,
    description text,
    format text not null check (format in ('opaque', 'jwt')),
    pepper text,
    hash text,
    policies text not null,
    is_system integer not null check (is_system in (0, 1)),
    created_at integer not null,
    created_by text not null,
    -- The token that minted this one, if one did.
    minted_by text,
    expires_at integer,
    revoked_at integer,
    revoked_by text,
    last_used_at integer,
    -- A workflow's scope lies within its project's (R1).
    check (workflow_id is null or project_id is not null),
    check ((format = 'opaque') = (hash is not null and pepper is not null))
) strict;

create index tokens_by_age on tokens (organization_id, created_at desc, id desc);
create index tokens_by_project on tokens (project_id, created_at desc, id desc)
where project_id is not null;

-- Runs of the origin that the gate has seen begin (R32). The Ledger decides by its own copy.
create table runs (
    organization_id text not null,
    id text not null,
    project text not null,
    workflow text not null,
    workflow_id text,
    token_id text not null,
    created_at integer not null,
    primary key (organization_id, id)
) strict, without rowid;

-- The audit log (R35): a keyed chain for each organization. `content` is byte for byte what
-- `link` covers; the other columns repeat parts of it to filter by.
create table audit (
    organization_id text not null,
    sequence integer not null,
    at integer not null,
    action text not null,
    actor text not null,
    token_id text not null,
    content text not null,
    previous text not null,
    link text not null,
    kid text not null,
    primary key (organization_id, sequence)
) strict, without rowid;

create trigger audit_is_append_only_update before update on audit
begin
    select raise(abort, 'the audit log is append-only');
end;

create trigger audit_is_append_only_delete before delete on audit
begin
    select raise(abort, 'the audit log is append-only');
end;
