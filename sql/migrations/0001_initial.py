"""The first tables, frozen as they were: never edit, add the next file instead."""

from peewee import *

def up(migrator, db):
    class User(Model):
        id = BigAutoField()
        username = CharField(unique=True, max_length=80)
        password_hash = CharField(max_length=200)
        role = CharField(max_length=20, default='user')
        parent = ForeignKeyField('self', null=True)
        path = CharField(index=True, default='/')
        email = CharField(null=True, max_length=200)
        first_name = CharField(null=True, max_length=80)
        last_name = CharField(null=True, max_length=80)
        phone = CharField(null=True, max_length=40)
        mobile = CharField(null=True, max_length=40)
        company = CharField(null=True, max_length=80)
        address = CharField(null=True, max_length=200)
        country = CharField(null=True, max_length=2)
        timezone = CharField(null=True, max_length=40)
        active = BooleanField(default=True)
        version = IntegerField(default=1)
        created_at = BigIntegerField()
        deleted_at = BigIntegerField(null=True)
        class Meta:
            database = db
            table_name = 'user'
    db.create_tables([User])

    class AgentDisposition(Model):
        id = BigAutoField()
        user = ForeignKeyField(User)
        name = CharField(max_length=80)
        description = TextField(null=True)
        remote_disp_id = CharField(null=True)
        remote_module = CharField(null=True)
        created_at = BigIntegerField()
        deleted_at = BigIntegerField(null=True)
        class Meta:
            database = db
            table_name = 'agent_disposition'
    db.create_tables([AgentDisposition])

    class Call(Model):
        id = BigAutoField()
        campaign_id = BigIntegerField()
        user_id = BigIntegerField()
        campaign_contact_id = BigIntegerField()
        contact_id = BigIntegerField(index=True)
        trunk_id = BigIntegerField()
        node = CharField(max_length=40)
        attempt = IntegerField(null=True)
        leg = IntegerField()
        phone = CharField(max_length=20)
        caller_id = CharField(null=True, max_length=20)
        kind = CharField(max_length=20)
        recording_id = BigIntegerField(null=True)
        extension_id = BigIntegerField(null=True)
        extension_key = CharField(null=True, max_length=1)
        ring_timeout = IntegerField()
        max_duration = IntegerField()
        state = CharField(max_length=8, default='claimed')
        claimed_at = BigIntegerField(index=True)
        sending_at = BigIntegerField(null=True)
        settle_at = BigIntegerField(null=True)
        answered_at = BigIntegerField(null=True)
        heard_at = BigIntegerField(null=True)
        heard_ms = IntegerField(null=True)
        heard_complete = BooleanField(null=True)
        pressed_at = BigIntegerField(null=True)
        pressed = CharField(null=True, max_length=20)
        bridged_at = BigIntegerField(null=True)
        bridge_ended_at = BigIntegerField(null=True)
        bridge_outcome = CharField(null=True, max_length=20)
        response = TextField(null=True)
        script_ended_at = BigIntegerField(null=True)
        handler_at = BigIntegerField(null=True)
        handler_cause = IntegerField(null=True)
        handler_sip = IntegerField(null=True)
        handler_answered_at = BigIntegerField(null=True)
        reply_at = BigIntegerField(null=True)
        reply_success = BooleanField(null=True)
        reply_reason = IntegerField(null=True)
        reply_text = CharField(null=True, max_length=200)
        hangup_at = BigIntegerField(null=True)
        hangup_cause = IntegerField(null=True)
        hangup_sip = IntegerField(null=True)
        hangup_state = CharField(null=True, max_length=20)
        record_at = BigIntegerField(null=True)
        record_cause = IntegerField(null=True)
        record_answered_at = BigIntegerField(null=True)
        closed_why = CharField(null=True, max_length=200)
        disposition = CharField(null=True, max_length=16)
        sip_code = IntegerField(null=True)
        hangup_code = IntegerField(null=True)
        connected_at = BigIntegerField(null=True)
        ended_at = BigIntegerField(null=True)
        billable_seconds = IntegerField(null=True)
        amount = BigIntegerField(default=0)
        final = BooleanField(null=True)
        settled_at = BigIntegerField(null=True)
        class Meta:
            database = db
            table_name = 'call'
            indexes = ((('campaign_contact_id', 'attempt', 'leg'), True), (('state', 'settle_at'), False), (('campaign_id', 'state', 'id'), False))
    db.create_tables([Call])

    class ContactGroup(Model):
        id = BigAutoField()
        user = ForeignKeyField(User)
        name = CharField(max_length=200)
        description = TextField(null=True)
        campaign_id = BigIntegerField(index=True, null=True)
        created_at = BigIntegerField()
        deleted_at = BigIntegerField(null=True)
        class Meta:
            database = db
            table_name = 'contact_group'
    db.create_tables([ContactGroup])

    class Recording(Model):
        id = BigAutoField()
        user = ForeignKeyField(User)
        title = CharField(max_length=200)
        milliseconds = IntegerField()
        created_at = BigIntegerField()
        deleted_at = BigIntegerField(null=True)
        class Meta:
            database = db
            table_name = 'recording'
    db.create_tables([Recording])

    class Trunk(Model):
        id = BigAutoField()
        user = ForeignKeyField(User, null=True)
        name = CharField(max_length=80)
        host = CharField()
        port = IntegerField(default=5060)
        username = CharField(null=True, max_length=80)
        password = CharField(null=True, max_length=200)
        register = BooleanField(default=False)
        caller_id = CharField(null=True, max_length=20)
        caller_id_in = CharField(max_length=4, default='pai')
        max_channels = IntegerField(null=True)
        cps = IntegerField(null=True)
        codecs = CharField(max_length=80, default='ulaw,alaw')
        prefix = CharField(null=True, max_length=200)
        add_prefix = CharField(null=True, max_length=20)
        number_format = CharField(max_length=10, default='plus')
        priority = IntegerField(default=10)
        qualify = IntegerField(default=0)
        simulated = BooleanField(default=False)
        version = IntegerField(default=1)
        down_until = BigIntegerField(null=True)
        down_why = CharField(null=True, max_length=200)
        deleted_at = BigIntegerField(null=True)
        class Meta:
            database = db
            table_name = 'trunk'
    db.create_tables([Trunk])

    class Extension(Model):
        id = BigAutoField()
        user = ForeignKeyField(User)
        name = CharField(max_length=80)
        username = CharField(unique=True, max_length=80)
        digest = CharField(max_length=64)
        caller_id = CharField(null=True, max_length=20)
        version = IntegerField(default=1)
        created_at = BigIntegerField()
        deleted_at = BigIntegerField(null=True)
        class Meta:
            database = db
            table_name = 'extension'
    db.create_tables([Extension])

    class Campaign(Model):
        id = BigAutoField()
        user = ForeignKeyField(User)
        contact_group = ForeignKeyField(ContactGroup, null=True)
        recording = ForeignKeyField(Recording, null=True)
        trunk = ForeignKeyField(Trunk, null=True)
        extension = ForeignKeyField(Extension, null=True)
        extension_key = CharField(null=True, max_length=1)
        kind = CharField(max_length=20, default='voice')
        name = CharField(max_length=200)
        caller_id = CharField(null=True, max_length=20)
        max_channels = IntegerField(default=10)
        cps = IntegerField(default=5)
        max_attempts = IntegerField(default=1)
        redial = TextField(null=True)
        ring_timeout = IntegerField(default=25)
        max_duration = IntegerField(default=3600)
        hours = CharField(null=True, max_length=11)
        days = CharField(null=True, max_length=40)
        timezone = CharField(null=True, max_length=40)
        mode = CharField(max_length=20, default='standard')
        description = TextField(null=True)
        status = CharField(index=True, max_length=12, default='ready')
        filled_to = BigIntegerField(null=True)
        created_at = BigIntegerField()
        started_at = BigIntegerField(null=True)
        stopped_at = BigIntegerField(null=True)
        completed_at = BigIntegerField(null=True)
        deleted_at = BigIntegerField(null=True)
        class Meta:
            database = db
            table_name = 'campaign'
    db.create_tables([Campaign])

    class CampaignContact(Model):
        id = BigAutoField()
        campaign_id = BigIntegerField(index=True)
        contact_id = BigIntegerField(index=True)
        phone = CharField(max_length=20)
        round = IntegerField(default=0)
        zone = CharField(null=True)
        state = CharField(max_length=8, default='due')
        next_at = BigIntegerField()
        gate = CharField(null=True, max_length=20)
        expires_at = BigIntegerField(null=True)
        attempts = IntegerField(default=0)
        legs = IntegerField(default=0)
        tried = CharField(null=True, max_length=200)
        disposition = CharField(null=True, max_length=16)
        reason = CharField(null=True, max_length=200)
        do_not_call = BooleanField(default=False)
        remote_id = CharField(null=True)
        remote_module = CharField(null=True)
        joined_at = BigIntegerField(null=True)
        done_at = BigIntegerField(null=True)
        class Meta:
            database = db
            table_name = 'campaign_contact'
            indexes = ((('campaign_id', 'phone', 'round'), True), (('campaign_id', 'state', 'next_at', 'id'), False), (('campaign_id', 'state', 'disposition'), False))
    db.create_tables([CampaignContact])

    class Contact(Model):
        id = BigAutoField()
        contact_group = ForeignKeyField(ContactGroup)
        phone = CharField(max_length=20)
        first_name = CharField(null=True, max_length=80)
        last_name = CharField(null=True, max_length=80)
        email = CharField(null=True, max_length=200)
        address = CharField(null=True, max_length=200)
        country = CharField(null=True, max_length=80)
        custom1 = CharField(null=True)
        custom2 = CharField(null=True)
        custom3 = CharField(null=True)
        description = TextField(null=True)
        zone = CharField(null=True)
        import_id = BigIntegerField(null=True)
        created_at = BigIntegerField()
        deleted_at = BigIntegerField(null=True)
        gone = BigIntegerField(default=0)
        class Meta:
            database = db
            table_name = 'contact'
            indexes = ((('contact_group', 'phone', 'gone'), True),)
    db.create_tables([Contact])

    class Halt(Model):
        id = BigAutoField()
        at = BigIntegerField()
        by_user_id = BigIntegerField()
        reason = CharField(null=True, max_length=200)
        lifted_at = BigIntegerField(null=True)
        lifted_by_user_id = BigIntegerField(null=True)
        class Meta:
            database = db
            table_name = 'halt'
    db.create_tables([Halt])

    class Idempotency(Model):
        id = BigAutoField()
        user_id = BigIntegerField()
        key = CharField(max_length=64)
        request = CharField(max_length=64)
        answer = TextField(null=True)
        at = BigIntegerField(index=True)
        class Meta:
            database = db
            table_name = 'idempotency'
            indexes = ((('user_id', 'key'), True),)
    db.create_tables([Idempotency])

    class Import(Model):
        id = BigAutoField()
        user = ForeignKeyField(User)
        contact_group = ForeignKeyField(ContactGroup)
        campaign_id = BigIntegerField(null=True)
        token = CharField(null=True, max_length=200)
        state = CharField(max_length=10, default='running')
        read = IntegerField(default=0)
        new_rows = IntegerField(default=0)
        updated = IntegerField(default=0)
        duplicates = IntegerField(default=0)
        rejected = IntegerField(default=0)
        reason = CharField(null=True, max_length=200)
        started_at = BigIntegerField()
        beat_at = BigIntegerField()
        ended_at = BigIntegerField(null=True)
        class Meta:
            database = db
            table_name = 'import'
            indexes = ((('user', 'token'), False),)
    db.create_tables([Import])

    class ImportReject(Model):
        id = BigAutoField()
        import_id = BigIntegerField(index=True)
        line = BigIntegerField()
        reason = CharField(max_length=300)
        class Meta:
            database = db
            table_name = 'import_reject'
    db.create_tables([ImportReject])

    class Key(Model):
        id = BigAutoField()
        user = ForeignKeyField(User)
        name = CharField(max_length=200)
        prefix = CharField(index=True, max_length=16)
        hash = CharField(unique=True, max_length=64)
        created_at = BigIntegerField()
        expires_at = BigIntegerField(null=True)
        used_at = BigIntegerField(null=True)
        deleted_at = BigIntegerField(null=True)
        class Meta:
            database = db
            table_name = 'key'
    db.create_tables([Key])

    class LedgerAccount(Model):
        id = BigAutoField()
        name = CharField(unique=True, max_length=40)
        user = ForeignKeyField(User, null=True)
        balance = BigIntegerField(default=0)
        class Meta:
            database = db
            table_name = 'ledger_account'
    db.create_tables([LedgerAccount])

    class LedgerEntry(Model):
        id = BigAutoField()
        kind = CharField(max_length=20)
        by_user_id = BigIntegerField(null=True)
        user_id = BigIntegerField(index=True, null=True)
        type = CharField(null=True, max_length=80)
        reference = CharField(null=True, max_length=200)
        reference_hash = CharField(null=True, max_length=64)
        description = TextField(null=True)
        at = BigIntegerField()
        class Meta:
            database = db
            table_name = 'ledger_entry'
            indexes = ((('by_user_id', 'reference_hash'), True),)
    db.create_tables([LedgerEntry])

    class LedgerLine(Model):
        id = BigAutoField()
        entry = ForeignKeyField(LedgerEntry)
        account = ForeignKeyField(LedgerAccount)
        amount = BigIntegerField()
        class Meta:
            database = db
            table_name = 'ledger_line'
    db.create_tables([LedgerLine])

    class Node(Model):
        id = BigAutoField()
        name = CharField(unique=True, max_length=40)
        process = CharField(null=True, max_length=64)
        link_up = BooleanField(default=False)
        link_text = CharField(max_length=200, default='the engine has not started yet')
        link_since = BigIntegerField()
        beat_at = BigIntegerField()
        held_word = CharField(null=True, max_length=20)
        held_text = CharField(null=True, max_length=200)
        held_until = BigIntegerField(null=True)
        asterisk_started_at = BigIntegerField(null=True)
        trunks_text = CharField(null=True, max_length=400)
        class Meta:
            database = db
            table_name = 'node'
    db.create_tables([Node])

    class Push(Model):
        id = BigAutoField()
        webhook_id = CharField(unique=True, max_length=64)
        endpoint_id = BigIntegerField()
        call_id = BigIntegerField(index=True, null=True)
        seq = IntegerField(null=True)
        event = CharField(max_length=40)
        body = TextField()
        state = CharField(max_length=10, default='due')
        tries = IntegerField(default=0)
        next_at = BigIntegerField()
        created_at = BigIntegerField()
        done_at = BigIntegerField(null=True)
        reason = CharField(null=True, max_length=200)
        class Meta:
            database = db
            table_name = 'push'
            indexes = ((('endpoint_id', 'call_id', 'seq'), True), (('state', 'next_at', 'id'), False), (('endpoint_id', 'state'), False))
    db.create_tables([Push])

    class PushEndpoint(Model):
        id = BigAutoField()
        user = ForeignKeyField(User)
        campaign_id = BigIntegerField(index=True, null=True)
        url = CharField(max_length=2000)
        format = CharField(max_length=10, default='json')
        events = CharField(max_length=500, default='call.completed')
        secret = CharField(max_length=200)
        old_secret = CharField(null=True, max_length=200)
        old_secret_until = BigIntegerField(null=True)
        active = BooleanField(default=True)
        off_why = CharField(null=True, max_length=200)
        created_at = BigIntegerField()
        deleted_at = BigIntegerField(null=True)
        class Meta:
            database = db
            table_name = 'push_endpoint'
    db.create_tables([PushEndpoint])

    class PushTry(Model):
        id = BigAutoField()
        push_id = BigIntegerField(index=True)
        at = BigIntegerField()
        status = IntegerField(null=True)
        milliseconds = IntegerField()
        answer = TextField(null=True)
        error = CharField(null=True, max_length=300)
        class Meta:
            database = db
            table_name = 'push_try'
    db.create_tables([PushTry])

    class Session(Model):
        id = BigAutoField()
        user = ForeignKeyField(User)
        key = ForeignKeyField(Key, null=True)
        hash = CharField(unique=True, max_length=64)
        created_at = BigIntegerField()
        used_at = BigIntegerField()
        expires_at = BigIntegerField()
        class Meta:
            database = db
            table_name = 'session'
    db.create_tables([Session])

    class TrunkLoaded(Model):
        id = BigAutoField()
        node = CharField(max_length=40)
        trunk_id = BigIntegerField()
        version = IntegerField()
        registered = BooleanField(null=True)
        reachable = BooleanField(null=True)
        why = CharField(null=True, max_length=200)
        class Meta:
            database = db
            table_name = 'trunk_loaded'
            indexes = ((('node', 'trunk_id'), True),)
    db.create_tables([TrunkLoaded])

    class Turn(Model):
        id = BigAutoField()
        owner = CharField(unique=True, max_length=40)
        turn = BigIntegerField()
        class Meta:
            database = db
            table_name = 'turn'
    db.create_tables([Turn])


def down(migrator, db):
    migrator.migrate(migrator.drop_table('turn'))
    migrator.migrate(migrator.drop_table('trunk_loaded'))
    migrator.migrate(migrator.drop_table('session'))
    migrator.migrate(migrator.drop_table('push_try'))
    migrator.migrate(migrator.drop_table('push_endpoint'))
    migrator.migrate(migrator.drop_table('push'))
    migrator.migrate(migrator.drop_table('node'))
    migrator.migrate(migrator.drop_table('ledger_line'))
    migrator.migrate(migrator.drop_table('ledger_entry'))
    migrator.migrate(migrator.drop_table('ledger_account'))
    migrator.migrate(migrator.drop_table('key'))
    migrator.migrate(migrator.drop_table('import_reject'))
    migrator.migrate(migrator.drop_table('import'))
    migrator.migrate(migrator.drop_table('idempotency'))
    migrator.migrate(migrator.drop_table('halt'))
    migrator.migrate(migrator.drop_table('contact'))
    migrator.migrate(migrator.drop_table('campaign_contact'))
    migrator.migrate(migrator.drop_table('campaign'))
    migrator.migrate(migrator.drop_table('extension'))
    migrator.migrate(migrator.drop_table('trunk'))
    migrator.migrate(migrator.drop_table('recording'))
    migrator.migrate(migrator.drop_table('contact_group'))
    migrator.migrate(migrator.drop_table('call'))
    migrator.migrate(migrator.drop_table('agent_disposition'))
    migrator.migrate(migrator.drop_table('user'))
