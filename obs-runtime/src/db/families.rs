//! The families of the databases, and the cells behind them.
//!
//! The cells of an operation are made when a pool first sees it: most of the list is never used.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use super::Operation;
use crate::catalog::{
    Families, FamilyDescriptor, HistogramValue, LabelPair, Part, Sample, Totals, Value,
};
use crate::http::prefixed;
use crate::metric::{Cells, Kind, LabelDescriptor, bucket_of_nanos, nanos_to_seconds};

/// Bounds of both histograms, in seconds: those of the OpenTelemetry conventions for databases,
/// with finer ones below, where a cache and an indexed look-up are.
const BUCKETS: &[f64] = &[
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];

/// The names of the families, without a prefix, and whether each is a histogram.
pub(crate) const NAMES: [(&str, bool); 5] = [
    (OPERATIONS, false),
    (DURATION, true),
    (CONNECTIONS, false),
    (CONNECTIONS_MAX, false),
    (WAIT, true),
];

const OPERATIONS: &str = "db_client_operations_total";
const DURATION: &str = "db_client_operation_duration_seconds";
const CONNECTIONS: &str = "db_client_connections";
const CONNECTIONS_MAX: &str = "db_client_connections_max";
const WAIT: &str = "db_client_connection_wait_seconds";

/// How an operation ended: the values of the label `outcome`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Ok,
    Error,
    Cancelled,
}

const OUTCOMES: [&str; 3] = ["ok", "error", "cancelled"];

const POOL: LabelDescriptor = LabelDescriptor::open("pool");
const OPERATION: LabelDescriptor =
    LabelDescriptor::new("operation", <Operation as crate::Label>::VALUES);
const OUTCOME: LabelDescriptor = LabelDescriptor::new("outcome", &OUTCOMES);
const STATE: LabelDescriptor = LabelDescriptor::new("state", &["active", "idle", "waiting"]);

/// The cells of one operation: outcomes, buckets, and the sum of the durations.
const ROW: usize = OUTCOMES.len() + BUCKETS.len() + 2;

/// How many connections a pool has now.
pub(super) trait Connections: Send + Sync {
    fn now(&self) -> Sizes;
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sizes {
    pub(super) active: u64,
    pub(super) idle: u64,
    pub(super) max: u64,
}

/// The numbers of everything that has one pool name.
pub(super) struct PoolCells {
    name: &'static str,
    operations: Box<[OnceLock<&'static Cells>]>,
    /// Tasks that wait for a connection.
    waiting: &'static Cells,
    /// Buckets, and the sum.
    waits: &'static Cells,
    /// Not kept alive by being counted. `None` where there is no pool, but one connection.
    pools: Mutex<Option<Vec<Weak<dyn Connections>>>>,
}

impl PoolCells {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            operations: (0..Operation::COUNT).map(|_| OnceLock::new()).collect(),
            waiting: Cells::leak(1),
            waits: Cells::leak(BUCKETS.len() + 2),
            pools: Mutex::new(None),
        }
    }

    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn count(&self, operation: Operation, outcome: Outcome, nanos: u64) {
        let Some(row) = self.operations.get(operation as usize) else {
            return;
        };
        let cells = row.get_or_init(|| Cells::leak(ROW));
        cells.add(outcome as usize, 1);
        let bucket = OUTCOMES.len() + bucket_of_nanos(BUCKETS, nanos);
        cells.record(bucket, ROW - 1, nanos);
    }

    #[cfg(feature = "sqlx")]
    pub(super) fn wait_began(&self) {
        self.waiting.add(0, 1);
    }

    #[cfg(feature = "sqlx")]
    pub(super) fn wait_ended(&self, nanos: u64) {
        self.waiting.sub(0, 1);
        self.waits
            .record(bucket_of_nanos(BUCKETS, nanos), BUCKETS.len() + 1, nanos);
    }

    #[cfg(feature = "sqlx")]
    pub(super) fn add_pool(&self, pool: Weak<dyn Connections>) {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let pools = pools.get_or_insert_default();
        pools.retain(|pool| pool.strong_count() > 0);
        pools.push(pool);
    }

    /// The connections of all pools of that name, or `None` if there never was one.
    fn sizes(&self) -> Option<Sizes> {
        let pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        // Out of the lock: what the pool does is not ours.
        let pools: Vec<_> = pools.as_ref()?.iter().filter_map(Weak::upgrade).collect();
        let sizes = pools.iter().map(|pool| pool.now());
        Some(sizes.fold(Sizes::default(), |sum, one| Sizes {
            active: sum.active.saturating_add(one.active),
            idle: sum.idle.saturating_add(one.idle),
            max: sum.max.saturating_add(one.max),
        }))
    }
}

impl fmt::Debug for PoolCells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolCells")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The databases of one `Obs`.
#[derive(Debug)]
pub(crate) struct Databases {
    prefix: Option<String>,
    pools: Mutex<Vec<Arc<PoolCells>>>,
}

impl Databases {
    pub(crate) fn new(prefix: Option<&str>) -> Self {
        Self {
            prefix: prefix.map(str::to_owned),
            pools: Mutex::default(),
        }
    }

    /// Returns the cells of a name; those of the same name are shared.
    pub(super) fn pool(&self, name: &'static str) -> Arc<PoolCells> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = pools.iter().find(|pool| pool.name == name) {
            return Arc::clone(known);
        }
        let pool = Arc::new(PoolCells::new(name));
        pools.push(Arc::clone(&pool));
        pool
    }

    fn descriptor(&self, name: &'static str, kind: Kind, help: &'static str) -> FamilyDescriptor {
        FamilyDescriptor {
            name: prefixed(self.prefix.as_deref(), name),
            kind,
            unit: (kind == Kind::Histogram).then_some("seconds"),
            help: Cow::Borrowed(help),
        }
    }
}

fn pair(name: &'static str, value: &'static str) -> LabelPair {
    (Cow::Borrowed(name), Cow::Borrowed(value))
}

/// The value of a histogram whose last cell is its sum.
fn histogram(cells: &[u64]) -> Option<Value> {
    let (sum, counts) = cells.split_last()?;
    Some(Value::Histogram(HistogramValue {
        bounds: Cow::Borrowed(BUCKETS),
        counts: counts.to_vec(),
        sum: nanos_to_seconds(*sum),
    }))
}

/// An operation of a pool that happened.
struct OperationRow {
    pool: &'static str,
    operation: &'static str,
    range: &'static Cells,
    cells: Vec<u64>,
}

impl Databases {
    /// The rows of the operations that happened.
    fn rows(pools: &[Arc<PoolCells>], totals: &Totals) -> Vec<OperationRow> {
        let names = <Operation as crate::Label>::VALUES;
        let rows = pools.iter().flat_map(|pool| {
            let operations = pool.operations.iter().zip(names);
            operations.filter_map(|(cells, operation)| {
                let range = *cells.get()?;
                Some(OperationRow {
                    pool: pool.name,
                    operation,
                    range,
                    cells: totals.of(range),
                })
            })
        });
        rows.collect()
    }

    fn collect_operations(
        &self,
        pools: &[Arc<PoolCells>],
        totals: &Totals,
        families: &mut Families,
    ) {
        let rows = Self::rows(pools, totals);
        // A description is the same before and after the first pool: it is about one.
        let pools = if families.is_description() {
            1
        } else {
            pools.len()
        };
        let most = pools * Operation::COUNT;
        let operations = families.family(self.descriptor(
            OPERATIONS,
            Kind::Counter,
            "Operations of database clients, by pool, operation (the first word of the statement or the command) and outcome; cancelled is a caller that stopped waiting.",
        ));
        operations.labels(&[POOL, OPERATION, OUTCOME]);
        operations.at_most(most * OUTCOMES.len());
        for OperationRow {
            pool,
            operation,
            cells,
            ..
        } in &rows
        {
            for (outcome, count) in OUTCOMES.iter().zip(cells) {
                operations.push(
                    vec![
                        pair("pool", pool),
                        pair("operation", operation),
                        pair("outcome", outcome),
                    ],
                    Value::Unsigned(*count),
                );
            }
        }
        let durations = families.family(self.descriptor(
            DURATION,
            Kind::Histogram,
            "Seconds that operations of database clients took, the wait for a connection included, whatever their outcome.",
        ));
        durations.labels(&[POOL, OPERATION]);
        durations.buckets(BUCKETS);
        durations.at_most(most);
        for row in &rows {
            let cells = row.cells.get(OUTCOMES.len()..).unwrap_or_default();
            if let Some(value) = histogram(cells) {
                let labels = vec![pair("pool", row.pool), pair("operation", row.operation)];
                let first = OUTCOMES.len();
                let exemplars = totals.exemplars(row.range, first..first + BUCKETS.len() + 1);
                durations.push_sample(Sample::new(labels, value).with_exemplars(exemplars));
            }
        }
    }

    fn collect_connections(
        &self,
        pools: &[Arc<PoolCells>],
        totals: &Totals,
        families: &mut Families,
    ) {
        let sized = pools
            .iter()
            .filter_map(|pool| Some((pool, pool.sizes()?)))
            .collect::<Vec<_>>();
        let connections = families.family(self.descriptor(
            CONNECTIONS,
            Kind::Gauge,
            "Connections of a pool, by state: active, idle; waiting is the tasks that wait for one.",
        ));
        connections.labels(&[POOL, STATE]);
        for (pool, sizes) in &sized {
            let waiting = totals.of(pool.waiting).first().copied().unwrap_or(0);
            let states = [
                ("active", sizes.active),
                ("idle", sizes.idle),
                ("waiting", waiting),
            ];
            for (state, count) in states {
                connections.push(
                    vec![pair("pool", pool.name), pair("state", state)],
                    Value::Signed(count.cast_signed()),
                );
            }
        }
        let max = families.family(self.descriptor(
            CONNECTIONS_MAX,
            Kind::Gauge,
            "The most connections that a pool may have.",
        ));
        max.labels(&[POOL]);
        for (pool, sizes) in &sized {
            let value = Value::Signed(sizes.max.cast_signed());
            max.push(vec![pair("pool", pool.name)], value);
        }
        let waits = families.family(self.descriptor(
            WAIT,
            Kind::Histogram,
            "Seconds that tasks waited for a connection of a pool, whether or not they got one.",
        ));
        waits.labels(&[POOL]);
        waits.buckets(BUCKETS);
        for (pool, _) in &sized {
            if let Some(value) = histogram(&totals.of(pool.waits)) {
                waits.push(vec![pair("pool", pool.name)], value);
            }
        }
    }
}

impl Part for Databases {
    fn collect(&self, totals: &Totals, families: &mut Families) {
        let pools = self
            .pools
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        // A service without a database has none of the families.
        if !pools.is_empty() || families.is_description() {
            self.collect_operations(&pools, totals, families);
            self.collect_connections(&pools, totals, families);
        }
    }
}
