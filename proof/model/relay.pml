/*
 * Outbox, two relays, a log, a consumer: each effect once and in the order of its aggregate, in every interleaving.
 *
 * Modelled: docs/decisions/0001 (a shard is read by snapshot difference, its owner holds a lock, an epoch fences the
 * cursor) and 0002 (the position is stored with the effect). A relay can lose its lock at any moment without noticing,
 * which is what being paused comes to: it goes on where it stood after the other one took over.
 *
 * Each define takes one decision away; then the property has to break:
 *   NO_POSITION_CHECK   the consumer applies whatever comes
 *   POSITION_APART      the consumer stores the position in a transaction after the effect's
 *   ID_CURSOR           the relay reads id > last instead of the difference of two snapshots
 *   STORE_FIRST         the relay stores the cursor before it publishes
 */
#ifndef FIRST
#define FIRST 2                 /* facts of the one aggregate */
#endif
#ifndef SECOND
#define SECOND 1                /* facts of the other */
#endif
#ifndef ROLLBACKS
#define ROLLBACKS 1             /* transactions that end without a commit */
#endif
#ifndef TAKEOVERS
#define TAKEOVERS 1             /* locks lost unnoticed */
#endif
#ifndef RELAY_CRASHES
#define RELAY_CRASHES 1
#endif
#ifndef CONSUMER_CRASHES
#define CONSUMER_CRASHES 1
#endif

#define FACTS (FIRST + SECOND)
#define ROWS (FACTS + ROLLBACKS)
#define LENGTH (FACTS * (1 + TAKEOVERS + RELAY_CRASHES))                /* every loss may repeat all */
#define NOBODY 2
#define BIT(n) (1 << (n))

/* The outbox: rows by id. A set of rows is a byte of bits; a snapshot is the set of rows that it sees. */
byte row_aggregate[ROWS], row_sequence[ROWS];
byte next_row;
byte committed;
byte version[2];

/* relay_cursor and the advisory lock of the one shard. */
byte stored, epoch;
byte owner = NOBODY;

/* The partition, and what the consumer knows. */
byte log_aggregate[LENGTH], log_sequence[LENGTH];
byte end_of_log;
byte position[2];
byte parked[2];
byte effects[2];

byte rollbacks = ROLLBACKS, takeovers = TAKEOVERS, relay_crashes = RELAY_CRASHES, consumer_crashes = CONSUMER_CRASHES;

/* One process per aggregate: commands on the same aggregate wait for the lock of its row anyway. */
proctype writer(byte mine, facts) {
    byte row;
    do
    :: version[mine] < facts ->
        atomic {
            row = next_row; next_row++;
            row_aggregate[row] = mine; row_sequence[row] = version[mine] + 1
        }
        if
        :: atomic { committed = committed | BIT(row); version[mine]++ }
        :: atomic { rollbacks > 0 -> rollbacks-- }
        fi
    :: version[mine] == facts -> break
    od
}

#ifdef ID_CURSOR
#define HIGHEST(rows) ((rows) >= 64 -> 127 : ((rows) >= 32 -> 63 : ((rows) >= 16 -> 31 : ((rows) >= 8 -> 15 : ((rows) >= 4 -> 7 : ((rows) >= 2 -> 3 : (rows)))))))
#define AFTER(base, batch) HIGHEST((base) | (batch))    /* all up to the highest id count as published */
#else
#define AFTER(base, batch) ((base) | (batch))
#endif

/* One row at a time, in the order of ids. */
inline publish() {
    do
    :: atomic { batch != 0 && relay_crashes > 0 -> relay_crashes--; goto crash }
    :: atomic { batch != 0 ->
            do
            :: batch & BIT(row) -> break
            :: else -> row++
            od;
            log_aggregate[end_of_log] = row_aggregate[row];
            log_sequence[end_of_log] = row_sequence[row];
            end_of_log++;
            batch = batch & ~BIT(row);
            row = 0 }
    :: batch == 0 -> break
    od
}

/* Another owner moved the epoch on: the write of a former one changes no row. */
inline store() {
    if
    :: atomic { relay_crashes > 0 -> relay_crashes--; goto crash }
    :: atomic { epoch == my_epoch -> base = seen; stored = base; seen = 0 }
    :: epoch != my_epoch -> goto again
    fi
}

proctype relay(byte me) {
    byte base, seen, batch, my_epoch, row;
again:
    atomic { base = 0; seen = 0; batch = 0; my_epoch = 0 }
end_without_lock:
    atomic { owner == NOBODY -> owner = me; epoch++; my_epoch = epoch; base = stored }
end_without_rows:
    do
    :: atomic { (committed & ~base) != 0 -> batch = committed & ~base; seen = AFTER(base, batch) }
        if                                      /* ask the connection whether it lives */
        :: owner == me
        :: owner != me -> goto again
        fi;
#ifdef STORE_FIRST
        store();
        publish()
#else
        publish();
        store()
#endif
    od;
crash:
    atomic {
        if
        :: owner == me -> owner = NOBODY
        :: else
        fi;
        goto again
    }
}

/* The connection that holds the lock dies; its relay is told nothing. */
proctype network() {
end_calm:
    do
    :: atomic { takeovers > 0 && owner != NOBODY -> takeovers--; owner = NOBODY }
    od
}

/* The property. At its end the consumer adds that none is missing. */
inline effect(a, s) {
    assert(s == effects[a] + 1);
    effects[a]++
}

inline release(a) {
    do
    :: parked[a] & BIT(position[a] + 1) ->
        parked[a] = parked[a] & ~BIT(position[a] + 1);
        effect(a, position[a] + 1);
        position[a]++
    :: else -> break
    od
}

inline apply(a, s) {
#ifdef NO_POSITION_CHECK
    effect(a, s);
#else
    if
    :: s <= position[a]
    :: s == position[a] + 1 ->
        effect(a, s);
#ifndef POSITION_APART
        position[a] = s;
        release(a)
#else
        skip
#endif
    :: s > position[a] + 1 -> parked[a] = parked[a] | BIT(s)
    fi
#endif
}

inline store_position(a, s) {
#ifdef POSITION_APART
    if
    :: s == position[a] + 1 -> position[a] = s
    :: else
    fi
#else
    skip
#endif
}

/* The offsets that Kafka keeps were committed at some earlier record: from there it delivers again. */
inline crash_of_the_consumer() {
    consumer_crashes > 0 -> consumer_crashes--;
    do
    :: at > 0 -> at--
    :: break
    od
}

/*
 * Nobody reads what the consumer writes, and the log only grows: whatever it does early it can do late. So it begins
 * when nothing else can move, which loses no outcome and divides the states by a hundred.
 */
proctype consumer() {
    byte at;
    timeout;
    do
    :: atomic { at < end_of_log ->
        apply(log_aggregate[at], log_sequence[at]);             /* one transaction */
        if
        :: crash_of_the_consumer()
        :: store_position(log_aggregate[at], log_sequence[at]); at++
        fi }
    :: atomic { at == end_of_log && consumer_crashes > 0 -> crash_of_the_consumer() }
    :: atomic { at == end_of_log -> break }
    od;
    assert(effects[0] == version[0] && effects[1] == version[1]);
    assert((committed & ~stored) == 0)
}

init {
    atomic {
        run writer(0, FIRST); run writer(1, SECOND);
        run relay(0); run relay(1);
        run network(); run consumer()
    }
}
