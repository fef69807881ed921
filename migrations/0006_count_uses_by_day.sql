-- Why: lists show on which days a token was used. The release before neither reads nor writes the new
-- table; it runs on, and its writes are counted by the trigger.

-- How often a token had been used by the end of a day. A day's own uses are the difference to the row
-- before, so that writing the same total again changes nothing.
create table token_days (
    token_id text not null,
    -- Since 1970, in UTC.
    day integer not null,
    uses integer not null,
    primary key (token_id, day)
) strict, without rowid;

-- What was used before has no days: it is the total that the first one starts from.
insert into token_days (token_id, day, uses) select id, 0, uses from tokens where uses > 0;

create trigger tokens_used_by_day after update of uses on tokens when new.uses > old.uses
begin
    insert into token_days (token_id, day, uses)
    values (new.id, new.last_used_at / 86400000, new.uses)
    on conflict (token_id, day) do update set uses = excluded.uses;
    -- Thirty days, and the total that they start from.
    delete from token_days where token_id = new.id and day < (
        select max(day) from token_days
        where token_id = new.id and day <= new.last_used_at / 86400000 - 30
    );
end;
