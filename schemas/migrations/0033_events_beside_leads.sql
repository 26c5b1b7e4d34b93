-- What happens to campaigns, pools, the organisation, lists of numbers, jobs and views is little
-- among what happens to leads: the log is read along it without a walk past every lead's event.
-- Events of leads are not in it, so it costs their append the look at one text.
create index events_beside_leads on log.events (position) where type not like 'lead.%';
