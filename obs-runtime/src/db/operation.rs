//! What was asked of a database: a closed list.

use crate::label::DerivedLabel;

macro_rules! operations {
    ($($name:ident = $value:literal,)*) => {
        /// What was asked of a database: the first word of a statement, or the name of a Redis
        /// command.
        ///
        /// The list is closed, so that no statement can add a series: what is not in it is
        /// [`Other`](Self::Other). It is a [`Label`](crate::Label) as well.
        ///
        /// # Example
        /// ```
        /// use obs_runtime::db::Operation;
        ///
        /// assert_eq!(Operation::of_sql("-- who\nSELECT name FROM users"), Operation::Select);
        /// assert_eq!(Operation::of_command("HGETALL"), Operation::Hgetall);
        /// assert_eq!(Operation::of_sql("FROBNICATE"), Operation::Other);
        /// assert_eq!(Operation::Hgetall.as_str(), "hgetall");
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Operation {
            $(#[doc = concat!("`", $value, "`")] $name,)*
        }

        /// In the order of the variants, and of the alphabet.
        const ALL: &[Operation] = &[$(Operation::$name,)*];

        const NAMES: &[&str] = &[$($value,)*];
    };
}

operations! {
    Alter = "alter",
    Analyze = "analyze",
    Append = "append",
    Attach = "attach",
    Auth = "auth",
    Begin = "begin",
    Bitcount = "bitcount",
    Bitfield = "bitfield",
    Bitop = "bitop",
    Blmove = "blmove",
    Blpop = "blpop",
    Brpop = "brpop",
    Bzpopmax = "bzpopmax",
    Bzpopmin = "bzpopmin",
    Call = "call",
    Client = "client",
    Close = "close",
    Cluster = "cluster",
    Comment = "comment",
    Commit = "commit",
    Config = "config",
    Copy = "copy",
    Create = "create",
    Dbsize = "dbsize",
    Deallocate = "deallocate",
    Declare = "declare",
    Decr = "decr",
    Decrby = "decrby",
    Del = "del",
    Delete = "delete",
    Describe = "describe",
    Detach = "detach",
    Discard = "discard",
    Do = "do",
    Drop = "drop",
    Dump = "dump",
    Echo = "echo",
    Eval = "eval",
    Evalsha = "evalsha",
    Exec = "exec",
    Execute = "execute",
    Exists = "exists",
    Expire = "expire",
    Expireat = "expireat",
    Explain = "explain",
    Fcall = "fcall",
    Fetch = "fetch",
    Flushall = "flushall",
    Flushdb = "flushdb",
    Function = "function",
    Geoadd = "geoadd",
    Geodist = "geodist",
    Geopos = "geopos",
    Geosearch = "geosearch",
    Get = "get",
    Getbit = "getbit",
    Getdel = "getdel",
    Getex = "getex",
    Getrange = "getrange",
    Getset = "getset",
    Grant = "grant",
    Hdel = "hdel",
    Hello = "hello",
    Hexists = "hexists",
    Hexpire = "hexpire",
    Hget = "hget",
    Hgetall = "hgetall",
    Hincrby = "hincrby",
    Hincrbyfloat = "hincrbyfloat",
    Hkeys = "hkeys",
    Hlen = "hlen",
    Hmget = "hmget",
    Hmset = "hmset",
    Hscan = "hscan",
    Hset = "hset",
    Hsetnx = "hsetnx",
    Hvals = "hvals",
    Incr = "incr",
    Incrby = "incrby",
    Incrbyfloat = "incrbyfloat",
    Info = "info",
    Insert = "insert",
    Keys = "keys",
    Lindex = "lindex",
    Linsert = "linsert",
    Listen = "listen",
    Llen = "llen",
    Lmove = "lmove",
    Lmpop = "lmpop",
    Lock = "lock",
    Lpop = "lpop",
    Lpos = "lpos",
    Lpush = "lpush",
    Lpushx = "lpushx",
    Lrange = "lrange",
    Lrem = "lrem",
    Lset = "lset",
    Ltrim = "ltrim",
    Memory = "memory",
    Merge = "merge",
    Mget = "mget",
    Mset = "mset",
    Msetnx = "msetnx",
    Multi = "multi",
    Notify = "notify",
    Object = "object",
    Optimize = "optimize",
    Other = "other",
    Persist = "persist",
    Pexpire = "pexpire",
    Pexpireat = "pexpireat",
    Pfadd = "pfadd",
    Pfcount = "pfcount",
    Pfmerge = "pfmerge",
    Ping = "ping",
    Pipeline = "pipeline",
    Pragma = "pragma",
    Prepare = "prepare",
    Psetex = "psetex",
    Psubscribe = "psubscribe",
    Pttl = "pttl",
    Publish = "publish",
    Pubsub = "pubsub",
    Punsubscribe = "punsubscribe",
    Refresh = "refresh",
    Reindex = "reindex",
    Release = "release",
    Rename = "rename",
    Replace = "replace",
    Reset = "reset",
    Restore = "restore",
    Revoke = "revoke",
    Rollback = "rollback",
    Rpop = "rpop",
    Rpoplpush = "rpoplpush",
    Rpush = "rpush",
    Rpushx = "rpushx",
    Sadd = "sadd",
    Savepoint = "savepoint",
    Scan = "scan",
    Scard = "scard",
    Script = "script",
    Sdiff = "sdiff",
    Sdiffstore = "sdiffstore",
    Select = "select",
    Set = "set",
    Setbit = "setbit",
    Setex = "setex",
    Setnx = "setnx",
    Setrange = "setrange",
    Show = "show",
    Sinter = "sinter",
    Sinterstore = "sinterstore",
    Sismember = "sismember",
    Smembers = "smembers",
    Smismember = "smismember",
    Smove = "smove",
    Spop = "spop",
    Spublish = "spublish",
    Srandmember = "srandmember",
    Srem = "srem",
    Sscan = "sscan",
    Strlen = "strlen",
    Subscribe = "subscribe",
    Sunion = "sunion",
    Sunionstore = "sunionstore",
    Table = "table",
    Time = "time",
    Touch = "touch",
    Truncate = "truncate",
    Ttl = "ttl",
    Type = "type",
    Unlink = "unlink",
    Unlisten = "unlisten",
    Unsubscribe = "unsubscribe",
    Unwatch = "unwatch",
    Update = "update",
    Use = "use",
    Vacuum = "vacuum",
    Values = "values",
    Wait = "wait",
    Watch = "watch",
    With = "with",
    Xack = "xack",
    Xadd = "xadd",
    Xautoclaim = "xautoclaim",
    Xclaim = "xclaim",
    Xdel = "xdel",
    Xgroup = "xgroup",
    Xinfo = "xinfo",
    Xlen = "xlen",
    Xpending = "xpending",
    Xrange = "xrange",
    Xread = "xread",
    Xreadgroup = "xreadgroup",
    Xrevrange = "xrevrange",
    Xtrim = "xtrim",
    Zadd = "zadd",
    Zcard = "zcard",
    Zcount = "zcount",
    Zincrby = "zincrby",
    Zinterstore = "zinterstore",
    Zlexcount = "zlexcount",
    Zmscore = "zmscore",
    Zpopmax = "zpopmax",
    Zpopmin = "zpopmin",
    Zrange = "zrange",
    Zrangebylex = "zrangebylex",
    Zrangebyscore = "zrangebyscore",
    Zrangestore = "zrangestore",
    Zrank = "zrank",
    Zrem = "zrem",
    Zremrangebyrank = "zremrangebyrank",
    Zremrangebyscore = "zremrangebyscore",
    Zrevrange = "zrevrange",
    Zrevrangebyscore = "zrevrangebyscore",
    Zrevrank = "zrevrank",
    Zscan = "zscan",
    Zscore = "zscore",
    Zunionstore = "zunionstore",
}

/// Longer words are in no list.
const LONGEST: usize = 16;

impl Operation {
    /// How many there are.
    pub(super) const COUNT: usize = NAMES.len();

    /// Returns the value of the label `operation`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        NAMES[self as usize]
    }

    /// Returns the operation of an SQL text: that of its first word, behind comments and opening
    /// parentheses. `START TRANSACTION` is `begin`, `END` is `commit`, `ABORT` is `rollback`.
    ///
    /// Of several statements in one text the first one names them all.
    #[must_use]
    pub fn of_sql(sql: &str) -> Self {
        let word = first_word(sql.as_bytes());
        if word.eq_ignore_ascii_case(b"start") {
            return Self::Begin;
        }
        if word.eq_ignore_ascii_case(b"end") {
            return Self::Commit;
        }
        if word.eq_ignore_ascii_case(b"abort") {
            return Self::Rollback;
        }
        Self::find(word)
    }

    /// Returns the operation of a Redis command's name, in whatever case.
    #[must_use]
    pub fn of_command(name: &str) -> Self {
        Self::find(name.as_bytes())
    }

    pub(super) fn find(word: &[u8]) -> Self {
        let mut buffer = [0; LONGEST];
        let Some(lower) = buffer.get_mut(..word.len()) else {
            return Self::Other;
        };
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        NAMES
            .binary_search_by(|name| name.as_bytes().cmp(lower))
            .ok()
            .and_then(|at| ALL.get(at).copied())
            .unwrap_or(Self::Other)
    }
}

impl DerivedLabel for Operation {
    const VALUES: &'static [&'static str] = NAMES;

    #[inline]
    fn index(self) -> usize {
        self as usize
    }
}

/// The first word of a statement, as it is written.
fn first_word(mut sql: &[u8]) -> &[u8] {
    loop {
        sql = match sql {
            [byte, rest @ ..] if byte.is_ascii_whitespace() || matches!(byte, b'(' | b';') => rest,
            [b'-', b'-', rest @ ..] | [b'#', rest @ ..] => match rest {
                [] => rest,
                _ => after_line(rest),
            },
            [b'/', b'*', rest @ ..] => after_comment(rest),
            _ => break,
        };
    }
    let end = sql
        .iter()
        .position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'))
        .unwrap_or(sql.len());
    sql.get(..end).unwrap_or_default()
}

fn after_line(sql: &[u8]) -> &[u8] {
    let end = sql.iter().position(|byte| *byte == b'\n');
    end.and_then(|end| sql.get(end + 1..)).unwrap_or_default()
}

/// What follows a comment whose beginning is gone. Comments nest in `PostgreSQL`.
fn after_comment(mut sql: &[u8]) -> &[u8] {
    let mut depth = 1_usize;
    while depth > 0 {
        sql = match sql {
            [b'*', b'/', rest @ ..] => {
                depth -= 1;
                rest
            }
            [b'/', b'*', rest @ ..] => {
                depth += 1;
                rest
            }
            [_, rest @ ..] => rest,
            [] => return sql,
        };
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::{ALL, LONGEST, NAMES, Operation};

    #[test]
    fn every_name_is_found_whatever_its_case() {
        assert!(NAMES.is_sorted());
        for (name, operation) in NAMES.iter().zip(ALL) {
            assert!(name.len() <= LONGEST);
            assert_eq!(Operation::of_command(name), *operation);
            assert_eq!(Operation::of_command(&name.to_uppercase()), *operation);
            assert_eq!(operation.as_str(), *name);
        }
    }

    #[test]
    fn the_first_word_is_found_behind_whatever_may_stand_before_it() {
        for (sql, operation) in [
            ("select 1", Operation::Select),
            ("\n\t SELECT\n1", Operation::Select),
            ("select(1)", Operation::Select),
            ("((SELECT 1) UNION (SELECT 2))", Operation::Select),
            (
                "-- DELETE all\n-- twice\nUPDATE t SET a = 1",
                Operation::Update,
            ),
            ("# DELETE\nINSERT INTO t VALUES (1)", Operation::Insert),
            (
                "/* DELETE /* nested */ DROP */WITH x AS (SELECT 1) SELECT 1",
                Operation::With,
            ),
            ("; ; COMMIT;", Operation::Commit),
            ("START TRANSACTION", Operation::Begin),
            ("END", Operation::Commit),
            ("ABORT", Operation::Rollback),
        ] {
            assert_eq!(Operation::of_sql(sql), operation, "{sql}");
        }
    }

    #[test]
    fn b1_what_is_no_statement_is_other_and_never_a_panic() {
        let long = "x".repeat(100_000);
        for sql in [
            "",
            " ",
            "--",
            "-- no end",
            "#",
            "/*",
            "/* no end",
            "/**",
            "/*/",
            "(",
            "'select'",
            "sélect",
            "selectx",
            "\u{0}",
            "🦀",
            &long,
        ] {
            assert_eq!(Operation::of_sql(sql), Operation::Other, "{sql:.20}");
            assert_eq!(Operation::of_command(sql), Operation::Other, "{sql:.20}");
        }
    }
}
