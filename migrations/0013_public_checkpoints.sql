-- Why: checkpoints of audit logs are signed so that public keys verify them, and witnesses cosign them. The release
-- before neither reads nor writes these; it runs on.

-- Signed notes, byte for byte, by how many events they cover.
create table audit_notes (
    organization_id text not null,
    size integer not null,
    at integer not null,
    note text not null,
    primary key (organization_id, size)
) strict, without rowid;

create trigger audit_notes_are_append_only_update before update on audit_notes
begin
    select raise(abort, 'signed checkpoints are append-only');
end;

create trigger audit_notes_are_append_only_delete before delete on audit_notes
begin
    select raise(abort, 'signed checkpoints are append-only');
end;

-- The first of a size stays, whatever a later one says.
create trigger audit_notes_are_append_only_insert before insert on audit_notes
when exists (
    select 1 from audit_notes as there
    where there.organization_id = new.organization_id and there.size = new.size
)
begin
    select raise(ignore);
end;

create trigger audit_notes_are_of_logs_only before insert on audit_notes
when new.size not between 1 and 9007199254740991
or new.at not between 0 and 253402300799999
or not exists (select 1 from organizations where id = new.organization_id)
begin
    select raise(abort, 'no gateway writes such a checkpoint');
end;

-- The signature lines of witnesses. A later one of the same witness takes the place of the one before.
create table audit_cosignatures (
    organization_id text not null,
    size integer not null,
    witness text not null,
    line text not null,
    at integer not null,
    primary key (organization_id, size, witness)
) strict, without rowid;

create index audit_cosignatures_by_witness on audit_cosignatures (organization_id, witness, size desc);
