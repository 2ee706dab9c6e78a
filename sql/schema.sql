-- The tables of Carillon, for reading. Made by `python -m sql.schema`; `carillon migrate` is what makes them for real.
-- Times are UTC milliseconds (*_at), money is micro-units, phone numbers are E.164.
CREATE TABLE "agent_disposition" ("id" INTEGER NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "name" VARCHAR(80) NOT NULL,
  "description" TEXT,
  "remote_disp_id" VARCHAR(255),
  "remote_module" VARCHAR(255),
  "created_at" INTEGER NOT NULL,
  "deleted_at" INTEGER, FOREIGN KEY ("user_id") REFERENCES "user" ("id"));
CREATE INDEX "agent_disposition_user_id" ON "agent_disposition" ("user_id");
CREATE TABLE "call" ("id" INTEGER NOT NULL PRIMARY KEY,
  "campaign_id" INTEGER NOT NULL,
  "user_id" INTEGER NOT NULL,
  "campaign_contact_id" INTEGER NOT NULL,
  "contact_id" INTEGER NOT NULL,
  "trunk_id" INTEGER NOT NULL,
  "node" VARCHAR(40) NOT NULL,
  "attempt" INTEGER,
  "leg" INTEGER NOT NULL,
  "phone" VARCHAR(20) NOT NULL,
  "caller_id" VARCHAR(20),
  "kind" VARCHAR(20) NOT NULL,
  "recording_id" INTEGER,
  "extension_id" INTEGER,
  "extension_key" VARCHAR(1),
  "ring_timeout" INTEGER NOT NULL,
  "max_duration" INTEGER NOT NULL,
  "state" VARCHAR(8) NOT NULL,
  "claimed_at" INTEGER NOT NULL,
  "sending_at" INTEGER,
  "settle_at" INTEGER,
  "answered_at" INTEGER,
  "heard_at" INTEGER,
  "heard_ms" INTEGER,
  "heard_complete" INTEGER,
  "pressed_at" INTEGER,
  "pressed" VARCHAR(20),
  "bridged_at" INTEGER,
  "bridge_ended_at" INTEGER,
  "bridge_outcome" VARCHAR(20),
  "response" TEXT,
  "script_ended_at" INTEGER,
  "handler_at" INTEGER,
  "handler_cause" INTEGER,
  "handler_sip" INTEGER,
  "handler_answered_at" INTEGER,
  "reply_at" INTEGER,
  "reply_success" INTEGER,
  "reply_reason" INTEGER,
  "reply_text" VARCHAR(200),
  "hangup_at" INTEGER,
  "hangup_cause" INTEGER,
  "hangup_sip" INTEGER,
  "hangup_state" VARCHAR(20),
  "record_at" INTEGER,
  "record_cause" INTEGER,
  "record_answered_at" INTEGER,
  "closed_why" VARCHAR(200),
  "disposition" VARCHAR(16),
  "sip_code" INTEGER,
  "hangup_code" INTEGER,
  "connected_at" INTEGER,
  "ended_at" INTEGER,
  "billable_seconds" INTEGER,
  "amount" INTEGER NOT NULL,
  "final" INTEGER,
  "settled_at" INTEGER);
CREATE UNIQUE INDEX "call_campaign_contact_id_attempt_leg" ON "call" ("campaign_contact_id",
  "attempt",
  "leg");
CREATE INDEX "call_campaign_id_state_id" ON "call" ("campaign_id",
  "state",
  "id");
CREATE INDEX "call_claimed_at" ON "call" ("claimed_at");
CREATE INDEX "call_contact_id" ON "call" ("contact_id");
CREATE INDEX "call_state_settle_at" ON "call" ("state",
  "settle_at");
CREATE TABLE "campaign" ("id" INTEGER NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "contact_group_id" INTEGER,
  "recording_id" INTEGER,
  "trunk_id" INTEGER,
  "extension_id" INTEGER,
  "extension_key" VARCHAR(1),
  "kind" VARCHAR(20) NOT NULL,
  "name" VARCHAR(200) NOT NULL,
  "caller_id" VARCHAR(20),
  "max_channels" INTEGER NOT NULL,
  "cps" INTEGER NOT NULL,
  "max_attempts" INTEGER NOT NULL,
  "redial" TEXT,
  "ring_timeout" INTEGER NOT NULL,
  "max_duration" INTEGER NOT NULL,
  "hours" VARCHAR(11),
  "days" VARCHAR(40),
  "timezone" VARCHAR(40),
  "mode" VARCHAR(20) NOT NULL,
  "description" TEXT,
  "status" VARCHAR(12) NOT NULL,
  "filled_to" INTEGER,
  "created_at" INTEGER NOT NULL,
  "started_at" INTEGER,
  "stopped_at" INTEGER,
  "completed_at" INTEGER,
  "deleted_at" INTEGER, FOREIGN KEY ("user_id") REFERENCES "user" ("id"), FOREIGN KEY ("contact_group_id") REFERENCES "contact_group" ("id"), FOREIGN KEY ("recording_id") REFERENCES "recording" ("id"), FOREIGN KEY ("trunk_id") REFERENCES "trunk" ("id"), FOREIGN KEY ("extension_id") REFERENCES "extension" ("id"));
CREATE INDEX "campaign_contact_group_id" ON "campaign" ("contact_group_id");
CREATE INDEX "campaign_extension_id" ON "campaign" ("extension_id");
CREATE INDEX "campaign_recording_id" ON "campaign" ("recording_id");
CREATE INDEX "campaign_status" ON "campaign" ("status");
CREATE INDEX "campaign_trunk_id" ON "campaign" ("trunk_id");
CREATE INDEX "campaign_user_id" ON "campaign" ("user_id");
CREATE TABLE "campaign_contact" ("id" INTEGER NOT NULL PRIMARY KEY,
  "campaign_id" INTEGER NOT NULL,
  "contact_id" INTEGER NOT NULL,
  "phone" VARCHAR(20) NOT NULL,
  "round" INTEGER NOT NULL,
  "zone" VARCHAR(255),
  "state" VARCHAR(8) NOT NULL,
  "next_at" INTEGER NOT NULL,
  "gate" VARCHAR(20),
  "expires_at" INTEGER,
  "attempts" INTEGER NOT NULL,
  "legs" INTEGER NOT NULL,
  "tried" VARCHAR(200),
  "disposition" VARCHAR(16),
  "reason" VARCHAR(200),
  "do_not_call" INTEGER NOT NULL,
  "remote_id" VARCHAR(255),
  "remote_module" VARCHAR(255),
  "joined_at" INTEGER,
  "done_at" INTEGER);
CREATE INDEX "campaign_contact_campaign_id" ON "campaign_contact" ("campaign_id");
CREATE UNIQUE INDEX "campaign_contact_campaign_id_phone_round" ON "campaign_contact" ("campaign_id",
  "phone",
  "round");
CREATE INDEX "campaign_contact_campaign_id_state_disposition" ON "campaign_contact" ("campaign_id",
  "state",
  "disposition");
CREATE INDEX "campaign_contact_campaign_id_state_next_at_id" ON "campaign_contact" ("campaign_id",
  "state",
  "next_at",
  "id");
CREATE INDEX "campaign_contact_contact_id" ON "campaign_contact" ("contact_id");
CREATE TABLE "contact" ("id" INTEGER NOT NULL PRIMARY KEY,
  "contact_group_id" INTEGER NOT NULL,
  "phone" VARCHAR(20) NOT NULL,
  "first_name" VARCHAR(80),
  "last_name" VARCHAR(80),
  "email" VARCHAR(200),
  "address" VARCHAR(200),
  "country" VARCHAR(80),
  "custom1" VARCHAR(255),
  "custom2" VARCHAR(255),
  "custom3" VARCHAR(255),
  "description" TEXT,
  "zone" VARCHAR(255),
  "import_id" INTEGER,
  "created_at" INTEGER NOT NULL,
  "deleted_at" INTEGER,
  "gone" INTEGER NOT NULL, FOREIGN KEY ("contact_group_id") REFERENCES "contact_group" ("id"));
CREATE INDEX "contact_contact_group_id" ON "contact" ("contact_group_id");
CREATE UNIQUE INDEX "contact_contact_group_id_phone_gone" ON "contact" ("contact_group_id",
  "phone",
  "gone");
CREATE TABLE "contact_group" ("id" INTEGER NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "name" VARCHAR(200) NOT NULL,
  "description" TEXT,
  "campaign_id" INTEGER,
  "created_at" INTEGER NOT NULL,
  "deleted_at" INTEGER, FOREIGN KEY ("user_id") REFERENCES "user" ("id"));
CREATE INDEX "contact_group_campaign_id" ON "contact_group" ("campaign_id");
CREATE INDEX "contact_group_user_id" ON "contact_group" ("user_id");
CREATE TABLE "extension" ("id" INTEGER NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "name" VARCHAR(80) NOT NULL,
  "username" VARCHAR(80) NOT NULL,
  "digest" VARCHAR(64) NOT NULL,
  "caller_id" VARCHAR(20),
  "version" INTEGER NOT NULL,
  "created_at" INTEGER NOT NULL,
  "deleted_at" INTEGER, FOREIGN KEY ("user_id") REFERENCES "user" ("id"));
CREATE INDEX "extension_user_id" ON "extension" ("user_id");
CREATE UNIQUE INDEX "extension_username" ON "extension" ("username");
CREATE TABLE "halt" ("id" INTEGER NOT NULL PRIMARY KEY,
  "at" INTEGER NOT NULL,
  "by_user_id" INTEGER NOT NULL,
  "reason" VARCHAR(200),
  "lifted_at" INTEGER,
  "lifted_by_user_id" INTEGER);
CREATE TABLE "idempotency" ("id" INTEGER NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "key" VARCHAR(64) NOT NULL,
  "request" VARCHAR(64) NOT NULL,
  "answer" TEXT,
  "at" INTEGER NOT NULL);
CREATE INDEX "idempotency_at" ON "idempotency" ("at");
CREATE UNIQUE INDEX "idempotency_user_id_key" ON "idempotency" ("user_id",
  "key");
CREATE TABLE "import" ("id" INTEGER NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "contact_group_id" INTEGER NOT NULL,
  "campaign_id" INTEGER,
  "token" VARCHAR(200),
  "state" VARCHAR(10) NOT NULL,
  "read" INTEGER NOT NULL,
  "new_rows" INTEGER NOT NULL,
  "updated" INTEGER NOT NULL,
  "duplicates" INTEGER NOT NULL,
  "rejected" INTEGER NOT NULL,
  "reason" VARCHAR(200),
  "started_at" INTEGER NOT NULL,
  "beat_at" INTEGER NOT NULL,
  "ended_at" INTEGER, FOREIGN KEY ("user_id") REFERENCES "user" ("id"), FOREIGN KEY ("contact_group_id") REFERENCES "contact_group" ("id"));
CREATE INDEX "import_contact_group_id" ON "import" ("contact_group_id");
CREATE INDEX "import_user_id" ON "import" ("user_id");
CREATE INDEX "import_user_id_token" ON "import" ("user_id",
  "token");
CREATE TABLE "import_reject" ("id" INTEGER NOT NULL PRIMARY KEY,
  "import_id" INTEGER NOT NULL,
  "line" INTEGER NOT NULL,
  "reason" VARCHAR(300) NOT NULL);
CREATE INDEX "import_reject_import_id" ON "import_reject" ("import_id");
CREATE TABLE "key" ("id" INTEGER NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "name" VARCHAR(200) NOT NULL,
  "prefix" VARCHAR(16) NOT NULL,
  "hash" VARCHAR(64) NOT NULL,
  "created_at" INTEGER NOT NULL,
  "expires_at" INTEGER,
  "used_at" INTEGER,
  "deleted_at" INTEGER, FOREIGN KEY ("user_id") REFERENCES "user" ("id"));
CREATE UNIQUE INDEX "key_hash" ON "key" ("hash");
CREATE INDEX "key_prefix" ON "key" ("prefix");
CREATE INDEX "key_user_id" ON "key" ("user_id");
CREATE TABLE "ledger_account" ("id" INTEGER NOT NULL PRIMARY KEY,
  "name" VARCHAR(40) NOT NULL,
  "user_id" INTEGER,
  "balance" INTEGER NOT NULL, FOREIGN KEY ("user_id") REFERENCES "user" ("id"));
CREATE UNIQUE INDEX "ledger_account_name" ON "ledger_account" ("name");
CREATE INDEX "ledger_account_user_id" ON "ledger_account" ("user_id");
CREATE TABLE "ledger_entry" ("id" INTEGER NOT NULL PRIMARY KEY,
  "kind" VARCHAR(20) NOT NULL,
  "by_user_id" INTEGER,
  "user_id" INTEGER,
  "type" VARCHAR(80),
  "reference" VARCHAR(200),
  "reference_hash" VARCHAR(64),
  "description" TEXT,
  "at" INTEGER NOT NULL);
CREATE UNIQUE INDEX "ledger_entry_by_user_id_reference_hash" ON "ledger_entry" ("by_user_id",
  "reference_hash");
CREATE INDEX "ledger_entry_user_id" ON "ledger_entry" ("user_id");
CREATE TABLE "ledger_line" ("id" INTEGER NOT NULL PRIMARY KEY,
  "entry_id" INTEGER NOT NULL,
  "account_id" INTEGER NOT NULL,
  "amount" INTEGER NOT NULL, FOREIGN KEY ("entry_id") REFERENCES "ledger_entry" ("id"), FOREIGN KEY ("account_id") REFERENCES "ledger_account" ("id"));
CREATE INDEX "ledger_line_account_id" ON "ledger_line" ("account_id");
CREATE INDEX "ledger_line_entry_id" ON "ledger_line" ("entry_id");
CREATE TABLE "node" ("id" INTEGER NOT NULL PRIMARY KEY,
  "name" VARCHAR(40) NOT NULL,
  "process" VARCHAR(64),
  "link_up" INTEGER NOT NULL,
  "link_text" VARCHAR(200) NOT NULL,
  "link_since" INTEGER NOT NULL,
  "beat_at" INTEGER NOT NULL,
  "held_word" VARCHAR(20),
  "held_text" VARCHAR(200),
  "held_until" INTEGER,
  "asterisk_started_at" INTEGER,
  "trunks_text" VARCHAR(400));
CREATE UNIQUE INDEX "node_name" ON "node" ("name");
CREATE TABLE "push" ("id" INTEGER NOT NULL PRIMARY KEY,
  "webhook_id" VARCHAR(64) NOT NULL,
  "endpoint_id" INTEGER NOT NULL,
  "call_id" INTEGER,
  "seq" INTEGER,
  "event" VARCHAR(40) NOT NULL,
  "body" TEXT NOT NULL,
  "state" VARCHAR(10) NOT NULL,
  "tries" INTEGER NOT NULL,
  "next_at" INTEGER NOT NULL,
  "created_at" INTEGER NOT NULL,
  "done_at" INTEGER,
  "reason" VARCHAR(200));
CREATE INDEX "push_call_id" ON "push" ("call_id");
CREATE UNIQUE INDEX "push_endpoint_id_call_id_seq" ON "push" ("endpoint_id",
  "call_id",
  "seq");
CREATE INDEX "push_endpoint_id_state" ON "push" ("endpoint_id",
  "state");
CREATE INDEX "push_state_next_at_id" ON "push" ("state",
  "next_at",
  "id");
CREATE UNIQUE INDEX "push_webhook_id" ON "push" ("webhook_id");
CREATE TABLE "push_endpoint" ("id" INTEGER NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "campaign_id" INTEGER,
  "url" VARCHAR(2000) NOT NULL,
  "format" VARCHAR(10) NOT NULL,
  "events" VARCHAR(500) NOT NULL,
  "secret" VARCHAR(200) NOT NULL,
  "old_secret" VARCHAR(200),
  "old_secret_until" INTEGER,
  "active" INTEGER NOT NULL,
  "off_why" VARCHAR(200),
  "created_at" INTEGER NOT NULL,
  "deleted_at" INTEGER, FOREIGN KEY ("user_id") REFERENCES "user" ("id"));
CREATE INDEX "push_endpoint_campaign_id" ON "push_endpoint" ("campaign_id");
CREATE INDEX "push_endpoint_user_id" ON "push_endpoint" ("user_id");
CREATE TABLE "push_try" ("id" INTEGER NOT NULL PRIMARY KEY,
  "push_id" INTEGER NOT NULL,
  "at" INTEGER NOT NULL,
  "status" INTEGER,
  "milliseconds" INTEGER NOT NULL,
  "answer" TEXT,
  "error" VARCHAR(300));
CREATE INDEX "push_try_push_id" ON "push_try" ("push_id");
CREATE TABLE "recording" ("id" INTEGER NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "title" VARCHAR(200) NOT NULL,
  "milliseconds" INTEGER NOT NULL,
  "created_at" INTEGER NOT NULL,
  "deleted_at" INTEGER, FOREIGN KEY ("user_id") REFERENCES "user" ("id"));
CREATE INDEX "recording_user_id" ON "recording" ("user_id");
CREATE TABLE "session" ("id" INTEGER NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "key_id" INTEGER,
  "hash" VARCHAR(64) NOT NULL,
  "created_at" INTEGER NOT NULL,
  "used_at" INTEGER NOT NULL,
  "expires_at" INTEGER NOT NULL, FOREIGN KEY ("user_id") REFERENCES "user" ("id"), FOREIGN KEY ("key_id") REFERENCES "key" ("id"));
CREATE UNIQUE INDEX "session_hash" ON "session" ("hash");
CREATE INDEX "session_key_id" ON "session" ("key_id");
CREATE INDEX "session_user_id" ON "session" ("user_id");
CREATE TABLE "trunk" ("id" INTEGER NOT NULL PRIMARY KEY,
  "user_id" INTEGER,
  "name" VARCHAR(80) NOT NULL,
  "host" VARCHAR(255) NOT NULL,
  "port" INTEGER NOT NULL,
  "username" VARCHAR(80),
  "password" VARCHAR(200),
  "register" INTEGER NOT NULL,
  "caller_id" VARCHAR(20),
  "caller_id_in" VARCHAR(4) NOT NULL,
  "max_channels" INTEGER,
  "cps" INTEGER,
  "codecs" VARCHAR(80) NOT NULL,
  "prefix" VARCHAR(200),
  "add_prefix" VARCHAR(20),
  "number_format" VARCHAR(10) NOT NULL,
  "priority" INTEGER NOT NULL,
  "qualify" INTEGER NOT NULL,
  "simulated" INTEGER NOT NULL,
  "version" INTEGER NOT NULL,
  "down_until" INTEGER,
  "down_why" VARCHAR(200),
  "deleted_at" INTEGER, FOREIGN KEY ("user_id") REFERENCES "user" ("id"));
CREATE INDEX "trunk_user_id" ON "trunk" ("user_id");
CREATE TABLE "trunk_loaded" ("id" INTEGER NOT NULL PRIMARY KEY,
  "node" VARCHAR(40) NOT NULL,
  "trunk_id" INTEGER NOT NULL,
  "version" INTEGER NOT NULL,
  "registered" INTEGER,
  "reachable" INTEGER,
  "why" VARCHAR(200));
CREATE UNIQUE INDEX "trunk_loaded_node_trunk_id" ON "trunk_loaded" ("node",
  "trunk_id");
CREATE TABLE "turn" ("id" INTEGER NOT NULL PRIMARY KEY,
  "owner" VARCHAR(40) NOT NULL,
  "turn" INTEGER NOT NULL);
CREATE UNIQUE INDEX "turn_owner" ON "turn" ("owner");
CREATE TABLE "user" ("id" INTEGER NOT NULL PRIMARY KEY,
  "username" VARCHAR(80) NOT NULL,
  "password_hash" VARCHAR(200) NOT NULL,
  "role" VARCHAR(20) NOT NULL,
  "parent_id" INTEGER,
  "path" VARCHAR(255) NOT NULL,
  "email" VARCHAR(200),
  "first_name" VARCHAR(80),
  "last_name" VARCHAR(80),
  "phone" VARCHAR(40),
  "mobile" VARCHAR(40),
  "company" VARCHAR(80),
  "address" VARCHAR(200),
  "country" VARCHAR(2),
  "timezone" VARCHAR(40),
  "active" INTEGER NOT NULL,
  "version" INTEGER NOT NULL,
  "created_at" INTEGER NOT NULL,
  "deleted_at" INTEGER, FOREIGN KEY ("parent_id") REFERENCES "user" ("id"));
CREATE INDEX "user_parent_id" ON "user" ("parent_id");
CREATE INDEX "user_path" ON "user" ("path");
CREATE UNIQUE INDEX "user_username" ON "user" ("username");
