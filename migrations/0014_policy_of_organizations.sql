-- Why: an organization can be paused, and say what its new tokens must keep to (R53). The release before neither reads nor
-- writes these; it runs on.

-- How many days a new token lives at most; 0 = as long as its creator wants.
alter table organizations add column max_lifetime_days integer not null default 0;
-- For how many seconds a token lives whose creator names no end; null = as above.
alter table organizations add column default_expires_in integer;
-- JSON: the URLs of the issuers whose CI jobs can get tokens; null = every issuer of the deployment.
alter table organizations add column trusted_issuers text;
-- Since when it is paused; null = it is not. The Ledger alone decides.
alter table organizations add column paused_at integer;
alter table organizations add column paused_by text;
alter table organizations add column pause_reason text;
-- The number of the last event that paused or resumed it.
alter table organizations add column pause_sequence integer not null default 0;
