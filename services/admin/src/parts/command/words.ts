/** How fields are called where their name in the API does not say it well enough. */
const LABELS: Record<string, string> = {
  active_from: "Active from",
  active_until: "Active until",
  agent: "Agent",
  at: "When",
  call_id: "Call id",
  campaign_id: "Campaign",
  contact: "Contact number",
  contract_id: "Contract",
  day_count: "Spread over days",
  day_offset: "Start after days",
  default_region: "Country of numbers without a prefix",
  delay_minutes: "Try again after minutes",
  dialable: "May be dialled",
  duplicate_action: "When there is a duplicate",
  duplicate_search: "Look for duplicates in",
  end: "Until",
  ended_at: "Ended",
  expires_at: "Expires",
  extracted: "Extracted data",
  hours: "Dialling hours",
  import_name: "Import name",
  key_id: "Key",
  layout: "Layout",
  limits: "Attempt limits",
  max_attempts: "At most attempts",
  message_id: "Message id",
  number: "Number",
  order: "Order",
  other_lead_id: "Other lead",
  parent: "Team above",
  per_day: "Attempts a day",
  per_lead: "Attempts per lead",
  per_number: "Attempts per number",
  personal: "Personal data",
  phone: "Phone number",
  pool_id: "Pool",
  put: "Add or change fields",
  raw: "Payload",
  recording: "Link to the recording",
  release_to: "Release to",
  remove: "Take out fields",
  reservation_minutes: "A dial is reserved for minutes",
  retain_private_vip: "Private and VIP redials keep their owner",
  rules: "Follow-up rules",
  secret_hash: "Hash of the secret",
  seed: "Seed of the order",
  segment_id: "Segment",
  sent_at: "Sent",
  set: "Fields",
  skip_empty: "Send nothing when the list is empty",
  start: "From",
  started_at: "Started",
  talk_seconds: "Seconds of talk",
  target_campaign_id: "To campaign",
  time_from: "Not before",
  time_until: "Not after",
  to: "To",
  unset: "Fields to empty",
  until: "Until",
  zone: "Time zone",
};

/** What a field means, where the API's document says nothing about it. */
const HELP: Record<string, string> = {
  default_region: "Two letters, such as DE. Without it a number must begin with + and its country.",
  disposition: "What the call led to, as the dialer names it.",
  expires_at: "Empty: for good.",
  ownership_code: "Uploads and the API reach a team or user by it.",
  personal: "Encrypted, and erased with the lead. It cannot be changed later.",
  phone: "With + and country, such as +4930123456.",
  pool_id: "Empty: the pool of this day.",
  priority: "10 is dialled first.",
  reason: "It stays in the log.",
  retain_private_vip: "Such leads are then reported as unchanged.",
  seed: "The same number spreads the leads the same way again.",
  skip_empty: "Otherwise an empty file is sent.",
  "ChangeSegment.filter": "Which leads are meant. Without a condition the segment has no filter.",
  "CreateSegment.filter": "Which leads are meant. They come into it by a bulk change of theirs.",
  "CloneLead.day_offset": "How long after cloning the first of them may be called.",
  "CloneLead.day_count": "The days are drawn at random, the same again for the same seed.",
  "EndSession.contact_session_id": "The session that is over.",
  "LockLead.until": "Empty: until it is unlocked.",
  "MoveLead.target_campaign_id": "Empty: it stays in its campaign, and only the pool changes.",
  "SetCallback.agent": "Empty: any agent who may call the lead.",
  "StartCall.number": "Empty: the next number in order.",
  "Suppress.until": "Empty: until it is lifted.",
  "UnlockLead.release_to": "Empty: the owner stays.",
};

const CHOICES: Record<string, string> = {
  api: "By the API",
  clone_anyway: "Clone anyway",
  csv: "CSV",
  DialingCancelled: "Dialling cancelled",
  DroppedCall: "Dropped call",
  email: "E-mail",
  in: "From the lead",
  move_anyway: "Move anyway",
  ndjson: "NDJSON",
  NoResponse: "No response",
  NormalDisconnect: "Normal disconnect",
  NotApplicable: "Not known",
  out: "To the lead",
  reminder_1: "First reminder sent",
  reminder_2: "Second reminder sent",
  reminder_3: "Third reminder sent",
  sms: "SMS",
  url: "Web address",
  VoiceMail: "Voice mail",
  whatsapp: "WhatsApp",
};

/** "talk_seconds" as people read it. */
export function words(name: string): string {
  const spaced = name.replaceAll("_", " ").trim();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** What a field is called on its form. */
export function fieldLabel(name: string): string {
  return LABELS[name] ?? words(name.replace(/_id$/, ""));
}

/** What is written under a field: what the API says about it, else what we do; "" when nothing. */
export function fieldHelp(command: string, name: string, described: string | undefined): string {
  return HELP[`${command}.${name}`] ?? described ?? HELP[name] ?? "";
}

/** What one of the values of a closed list is called. */
export function choiceLabel(value: unknown): string {
  return CHOICES[String(value)] ?? words(String(value));
}
