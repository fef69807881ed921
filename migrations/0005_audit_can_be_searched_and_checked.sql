-- Why: the audit log is listed newest first and searched by action, actor, token and time; signed
-- checkpoints say how far it reached, so that a missing end shows; changes of an organization's
-- limits follow its Ledger, in order. The release before neither reads nor writes these; it runs on.

create index audit_by_time on audit (organization_id, at desc, sequence desc);
create index audit_by_action on audit (organization_id, action, at desc, sequence desc);
create index audit_by_actor on audit (organization_id, actor, at desc, sequence desc);
create index audit_by_token on audit (organization_id, token_id, at desc, sequence desc);

-- The sequence of the event that last changed the limits; 0 = they are as they were made.
alter table organizations add column limits_sequence integer not null default 0;

-- `content` is byte for byte what `mac` covers.
create table checkpoints (
    organization_id text not null,
    sequence integer not null,
    at integer not null,
    content text not null,
    kid text not null,
    mac text not null,
    primary key (organization_id, sequence)
) strict, without rowid;

create trigger checkpoints_are_append_only_update before update on checkpoints
begin
    select raise(abort, 'checkpoints are append-only');
end;

create trigger checkpoints_are_append_only_delete before delete on checkpoints
begin
    select raise(abort, 'checkpoints are append-only');
end;
