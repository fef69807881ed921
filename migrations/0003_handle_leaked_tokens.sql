-- Why: a token found in public is revoked, or held back until somebody has looked, as its
-- organization chose. The release before neither reads nor writes these; it runs on.

alter table organizations add column on_leak text not null default 'revoke'
check (on_leak in ('revoke', 'quarantine'));

-- Since when the token is held back; null = it is not.
alter table tokens add column quarantined_at integer;
