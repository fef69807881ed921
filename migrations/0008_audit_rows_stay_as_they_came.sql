-- Why: whoever could write here could insert the next row of an audit log before the Ledger did, which then took the
-- conflict for a second delivery, or overwrite a row by "insert or replace", which slips past triggers on update and
-- delete. The release before writes nothing that these refuse; it runs on.

-- A number that is taken takes the same row again, as a second delivery brings it, and no other. The batch of the
-- Ledger then fails as a whole, so that nothing is lost and somebody is told.
create trigger audit_is_append_only_insert before insert on audit
when exists (
    select 1 from audit as there
    where there.organization_id = new.organization_id and there.sequence = new.sequence
    and (there.at, there.action, there.actor, there.token_id, there.content, there.previous, there.link, there.kid)
    <> (new.at, new.action, new.actor, new.token_id, new.content, new.previous, new.link, new.kid)
)
begin
    select raise(abort, 'the audit log has another row of this number');
end;

-- Rows that no Ledger writes, and that would make a page unreadable or wait for an organization to be created.
create trigger audit_has_rows_of_ledgers_only before insert on audit
when new.sequence not between 1 and 9007199254740991
or new.at not between 0 and 253402300799999
or not exists (select 1 from organizations where id = new.organization_id)
begin
    select raise(abort, 'no Ledger writes such a row into the audit log');
end;

-- The first checkpoint of an event stays, whatever a later one says.
create trigger checkpoints_are_append_only_insert before insert on checkpoints
when exists (
    select 1 from checkpoints as there
    where there.organization_id = new.organization_id and there.sequence = new.sequence
)
begin
    select raise(ignore);
end;

create trigger checkpoints_are_of_ledgers_only before insert on checkpoints
when new.sequence not between 1 and 9007199254740991
or new.at not between 0 and 253402300799999
or not exists (select 1 from organizations where id = new.organization_id)
begin
    select raise(abort, 'no Ledger writes such a checkpoint');
end;
