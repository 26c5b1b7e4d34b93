-- One row a campaign: its template, rules and limits. Shapes as in schemas/campaign.py.
create table read.campaign_v1 (
  campaign_id   uuid        primary key,
  version       int         not null,
  position      bigint      not null,
  name          text        not null,
  code          text        not null,
  project       text        not null,
  duplicate_key text        not null,
  fields        jsonb       not null,  -- template fields in order
  rules         jsonb       not null,
  limits        jsonb,
  hours         jsonb,
  active        boolean     not null,
  active_from   timestamptz,
  active_until  timestamptz,
  copied_from   text,
  created_at    timestamptz,
  changed_at    timestamptz not null
);
