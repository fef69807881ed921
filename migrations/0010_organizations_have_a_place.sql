-- Why: near which part of the world the Ledger of an organization was to be created (R52). Its jurisdiction is told by
-- its id.

alter table organizations add column location_hint text;
