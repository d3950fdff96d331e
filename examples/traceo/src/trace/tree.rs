//! From lines to a tree: requests, tool calls and attempts of jobs, and what was said in each.

use std::collections::{HashMap, HashSet};

use super::line::{Line, Stage};

/// How deep operations are shown within each other. Logs are not to be believed: a chain of parents
/// may be as long as the file, or a circle.
const MAX_DEPTH: usize = 64;

/// How many operations of a trace are looked at for one that may be the parent of another.
const MAX_LOOK: usize = 1_000;

/// Everything about one correlation id.
#[derive(Debug)]
pub(super) struct Tree {
    /// By time.
    pub(super) lines: Vec<Line>,
    pub(super) operations: Vec<Operation>,
    /// What is below of nothing, by time.
    pub(super) roots: Vec<Node>,
    /// When the first of it began, in microseconds since 1970.
    pub(super) start: i64,
    /// When the last of it was said or over.
    pub(super) end: i64,
}

/// A place in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Operation(usize),
    Line(usize),
}

/// What a line says it is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Request { id: String },
    Tool { name: String, request: String },
    Job { name: String, attempt: u64 },
}

impl Kind {
    /// Whether both are calls of one tool, or tries of jobs of one name.
    fn is_of_one_name(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tool { name, .. }, Self::Tool { name: of, .. })
            | (Self::Job { name, .. }, Self::Job { name: of, .. }) => name == of,
            _ => false,
        }
    }
}

/// A request, a tool call or an attempt of a job.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) kind: Kind,
    pub(super) service: String,
    pub(super) job_id: Option<String>,
    /// Its lines but the first and the last one of its own, and the operations within it, by time.
    pub(super) children: Vec<Node>,
    pub(super) start: i64,
    /// The line that says that it began, if any does.
    pub(super) started: Option<usize>,
    /// The line that says how it ended.
    pub(super) ended: Option<usize>,
    pub(super) ending: Ending,
    trace: String,
    /// Of the first line to the last, until the end is known.
    last: i64,
    parent_span: Option<String>,
    linked_span: Option<String>,
    parent: Option<usize>,
    first_line: usize,
}

/// What is known of the end of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Said,
    /// It should have said so: it runs, hangs, or was killed.
    Never,
    /// Its kind does not always say so.
    Unsaid,
}

/// Hangs all tries of a job where one of them is known to hang.
fn join_tries(parents: &mut [Option<usize>], tries: &HashMap<usize, Vec<usize>>) {
    for index in 0..parents.len() {
        if parents[index].is_none() {
            let mut others = tries.get(&index).into_iter().flatten();
            parents[index] = others.find_map(|other| parents[*other]);
        }
    }
}

type Span = (String, String, String);

fn span_of(line: &Line) -> Option<Span> {
    let span = line.text("span_id");
    let place = || {
        (
            line.service().to_owned(),
            line.text("trace_id").to_owned(),
            span.to_owned(),
        )
    };
    (!span.is_empty()).then(place)
}

fn kind_of(line: &Line) -> Option<Kind> {
    let text = |key| line.text(key).to_owned();
    if let (false, Some(attempt)) = (line.text("job").is_empty(), line.attempt()) {
        let name = text("job");
        return Some(Kind::Job { name, attempt });
    }
    if !line.text("tool").is_empty() {
        return Some(Kind::Tool {
            name: text("tool"),
            request: text("request_id"),
        });
    }
    (!line.text("request_id").is_empty()).then(|| Kind::Request {
        id: text("request_id"),
    })
}

/// Puts lines, which are ordered by time, into their operations.
#[derive(Debug, Default)]
struct Builder {
    operations: Vec<Operation>,
    by_span: HashMap<Span, usize>,
    by_kind: HashMap<(String, String, Kind), Vec<usize>>,
}

impl Tree {
    pub(super) fn of(lines: Vec<Line>) -> Self {
        let mut builder = Builder::default();
        let mut of: Vec<Option<usize>> = vec![None; lines.len()];
        for (at, line) in lines.iter().enumerate() {
            if line.stage() != Stage::Within {
                of[at] = builder.canonical(at, line);
            }
        }
        for (at, line) in lines.iter().enumerate() {
            if of[at].is_none() {
                of[at] = builder.within(at, line);
            }
        }
        let mut loose = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            let operation = of[at].or_else(|| builder.around(line));
            match operation.and_then(|index| builder.operations.get_mut(index)) {
                Some(operation) => operation.hold(at, line),
                None => loose.push(Node::Line(at)),
            }
        }
        builder.nest();
        builder.into_tree(lines, loose)
    }

    pub(super) fn at(&self, node: Node) -> i64 {
        match node {
            Node::Operation(index) => self.operations[index].start,
            Node::Line(index) => self.lines[index].at,
        }
    }
}

impl Operation {
    fn new(kind: Kind, at: usize, line: &Line) -> Self {
        Self {
            kind,
            service: line.service().to_owned(),
            job_id: line.job_id(),
            children: Vec::new(),
            start: line.at,
            started: None,
            ended: None,
            ending: Ending::Unsaid,
            trace: line.text("trace_id").to_owned(),
            last: line.at,
            parent_span: None,
            linked_span: None,
            parent: None,
            first_line: at,
        }
    }

    /// Takes what its own line says.
    fn say(&mut self, at: usize, line: &Line) {
        match line.stage() {
            Stage::RequestStarted | Stage::JobStarted => self.started = Some(at),
            Stage::RequestEnded | Stage::ToolEnded | Stage::JobEnded => {
                self.ended = Some(at);
                self.ending = Ending::Said;
                self.start = self
                    .start
                    .min(line.at - line.duration().unwrap_or_default());
            }
            Stage::Within => {}
        }
        let id = |key| Some(line.text(key).to_owned()).filter(|id: &String| !id.is_empty());
        self.parent_span = self.parent_span.take().or_else(|| id("parent_span_id"));
        self.linked_span = self.linked_span.take().or_else(|| id("linked_span_id"));
    }

    fn hold(&mut self, at: usize, line: &Line) {
        // Its duration is rounded, so the first line may be before the start that it gives.
        self.start = self.start.min(line.at);
        self.last = self.last.max(line.at);
        if self.job_id.is_none() {
            self.job_id = line.job_id();
        }
        if self.started != Some(at) && self.ended != Some(at) {
            self.children.push(Node::Line(at));
        }
    }

    /// When it was over, as far as is known.
    fn end(&self) -> i64 {
        match self.ending {
            Ending::Said | Ending::Unsaid => self.last,
            // What runs for ever is around all that comes.
            Ending::Never => i64::MAX,
        }
    }

    fn is_around(&self, time: i64) -> bool {
        self.start <= time && time <= self.end()
    }
}

impl Builder {
    /// Finds or makes the operation that a line about one is about.
    fn canonical(&mut self, at: usize, line: &Line) -> Option<usize> {
        let (span, kind) = (span_of(line)?, kind_of(line)?);
        // A request's line may name the tool that its handler bound: it is about the request.
        let kind = match (line.stage(), kind) {
            (Stage::RequestStarted | Stage::RequestEnded, _) => Kind::Request {
                id: line.text("request_id").to_owned(),
            },
            (Stage::ToolEnded, Kind::Job { .. }) => Kind::Tool {
                name: line.text("tool").to_owned(),
                request: line.text("request_id").to_owned(),
            },
            (_, kind) => kind,
        };
        if let Some(&known) = self.by_span.get(&span) {
            let operation = self.operations.get_mut(known)?;
            let is_first = match line.stage() {
                Stage::RequestStarted | Stage::JobStarted => operation.started.is_none(),
                _ => operation.ended.is_none(),
            };
            if operation.kind == kind && is_first {
                operation.say(at, line);
            }
            return Some(known);
        }
        let index = self.begin(kind, at, line);
        self.operations.get_mut(index)?.say(at, line);
        Some(index)
    }

    fn begin(&mut self, kind: Kind, at: usize, line: &Line) -> usize {
        let index = self.operations.len();
        let place = (
            line.service().to_owned(),
            line.text("trace_id").to_owned(),
            kind.clone(),
        );
        self.by_kind.entry(place).or_default().push(index);
        if let Some(span) = span_of(line) {
            self.by_span.insert(span, index);
        }
        self.operations.push(Operation::new(kind, at, line));
        index
    }

    /// Finds the operation that a line was written in: the one with its span, or else, where spans
    /// within an operation are exported and so are named, the one of its kind at its time.
    fn within(&mut self, at: usize, line: &Line) -> Option<usize> {
        let span = span_of(line);
        if let Some(known) = span.as_ref().and_then(|span| self.by_span.get(span)) {
            return Some(*known);
        }
        let kind = kind_of(line)?;
        let place = (
            line.service().to_owned(),
            line.text("trace_id").to_owned(),
            kind,
        );
        let job_id = line.job_id();
        let same = self.by_kind.get(&place).into_iter().flatten();
        let nearest = same
            .filter_map(|&index| Some((index, self.operations.get(index)?)))
            .filter(|(_, operation)| match (&operation.job_id, &job_id) {
                (Some(of), Some(id)) if matches!(operation.kind, Kind::Job { .. }) => of == id,
                _ => true,
            })
            .min_by_key(|(_, operation)| {
                let before = operation.start.saturating_sub(line.at).max(0);
                let end = operation.ended.map_or(i64::MAX, |_| operation.last);
                before.max(line.at.saturating_sub(end))
            });
        let index = match nearest {
            Some((index, _)) => index,
            None => self.begin(place.2, at, line),
        };
        if let Some(span) = span {
            self.by_span.insert(span, index);
        }
        Some(index)
    }

    /// Finds the innermost operation of its service and trace at the time of a line.
    fn around(&self, line: &Line) -> Option<usize> {
        let (trace, service) = (line.text("trace_id"), line.service());
        if trace.is_empty() {
            return None;
        }
        let all = self.operations.iter().enumerate();
        all.filter(|(_, it)| it.trace == trace && it.service == service && it.is_around(line.at))
            .max_by_key(|(_, it)| it.start)
            .map(|(index, _)| index)
    }

    /// Finds the parents.
    fn nest(&mut self) {
        self.tell_endings();
        let mut by_id: HashMap<&str, usize> = HashMap::new();
        for ((_, _, span), &index) in &self.by_span {
            let first = by_id.entry(span).or_insert(index);
            *first = index.min(*first);
        }
        let requests: HashMap<(&str, &str), usize> = self
            .operations
            .iter()
            .enumerate()
            .rev()
            .filter_map(|(index, it)| match &it.kind {
                Kind::Request { id } => Some(((it.service.as_str(), id.as_str()), index)),
                _ => None,
            })
            .collect();
        let mut by_trace: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, operation) in self.operations.iter().enumerate() {
            by_trace.entry(&operation.trace).or_default().push(index);
        }
        for all in by_trace.values_mut() {
            all.sort_by_key(|index| self.operations[*index].start);
        }
        let mut parents: Vec<Option<usize>> = (0..self.operations.len())
            .map(|index| self.said_parent(index, &by_id, &requests))
            .collect();
        let tries = self.tries();
        join_tries(&mut parents, &tries);
        for (index, parent) in parents.iter_mut().enumerate() {
            *parent = parent.or_else(|| self.likely_parent(index, &by_trace));
        }
        join_tries(&mut parents, &tries);
        for index in 0..parents.len() {
            let above = std::iter::successors(parents[index], |above| parents[*above]);
            if above.take(MAX_DEPTH).count() == MAX_DEPTH {
                parents[index] = None;
            }
        }
        for (operation, parent) in self.operations.iter_mut().zip(parents) {
            operation.parent = parent;
        }
    }

    fn tell_endings(&mut self) {
        for operation in &mut self.operations {
            if operation.ended.is_none() {
                operation.ending = match operation.kind {
                    // Whoever says that it began says that it ended; the rest is sampled.
                    Kind::Request { .. } if operation.started.is_some() => Ending::Never,
                    Kind::Job { .. } => Ending::Never,
                    // A call that succeeds says so at level DEBUG.
                    Kind::Request { .. } | Kind::Tool { .. } => Ending::Unsaid,
                };
            }
        }
        // A call cannot have ended unsaid in a request that has not.
        let hanging: HashSet<(String, String)> = self
            .operations
            .iter()
            .filter_map(|it| match &it.kind {
                Kind::Request { id } if it.ending == Ending::Never => {
                    Some((it.service.clone(), id.clone()))
                }
                _ => None,
            })
            .collect();
        for operation in &mut self.operations {
            if let Kind::Tool { request, .. } = &operation.kind
                && operation.ending == Ending::Unsaid
                && hanging.contains(&(operation.service.clone(), request.clone()))
            {
                operation.ending = Ending::Never;
            }
        }
    }

    /// Returns the parent that the lines name.
    fn said_parent(
        &self,
        index: usize,
        by_id: &HashMap<&str, usize>,
        requests: &HashMap<(&str, &str), usize>,
    ) -> Option<usize> {
        let operation = &self.operations[index];
        let named = |span: &Option<String>| {
            let found = *by_id.get(span.as_deref()?)?;
            (found != index).then_some(found)
        };
        let request = || match &operation.kind {
            Kind::Tool { request, .. } if !request.is_empty() => {
                let place = (operation.service.as_str(), request.as_str());
                requests.get(&place).copied()
            }
            _ => None,
        };
        named(&operation.parent_span)
            .or_else(request)
            .or_else(|| named(&operation.linked_span))
    }

    /// Returns the other tries of each job that was tried more than once.
    fn tries(&self) -> HashMap<usize, Vec<usize>> {
        let mut jobs: HashMap<(&str, &str, &str), Vec<usize>> = HashMap::new();
        for (index, operation) in self.operations.iter().enumerate() {
            if let (Kind::Job { name, .. }, Some(id)) = (&operation.kind, &operation.job_id) {
                let job = (operation.service.as_str(), name.as_str(), id.as_str());
                jobs.entry(job).or_default().push(index);
            }
        }
        let several = jobs.into_values().filter(|tries| tries.len() > 1);
        let mut others = HashMap::new();
        for tries in several {
            // The first ones say the most; a list for each of thousands would be too much.
            let first: Vec<usize> = tries.iter().copied().take(8).collect();
            others.extend(tries.iter().map(|index| (*index, first.clone())));
        }
        others
    }

    /// Returns the operation of the trace that this most likely happened in, where no line names it:
    /// the span of an outgoing call has no line of its own.
    fn likely_parent(&self, index: usize, by_trace: &HashMap<&str, Vec<usize>>) -> Option<usize> {
        let operation = &self.operations[index];
        let all = by_trace.get(operation.trace.as_str())?;
        let before = all.iter().rev().copied().filter(|&other| {
            let it = &self.operations[other];
            (it.start, it.first_line) < (operation.start, operation.first_line)
        });
        let before: Vec<usize> = before.take(MAX_LOOK).collect();
        let around = |index: &&usize| self.operations[**index].is_around(operation.start);
        let is_foreign = |index: &&usize| self.operations[**index].service != operation.service;
        match operation.kind {
            // Requests of one service that are side by side are below of none of each other.
            Kind::Request { .. } => before
                .iter()
                .filter(around)
                .find(is_foreign)
                .or_else(|| {
                    let is_caller = |index: &&usize| {
                        !matches!(self.operations[**index].kind, Kind::Request { .. })
                    };
                    before.iter().filter(around).find(is_caller)
                })
                .copied(),
            // Jobs begin when whoever made them may have ended, and make none of their own name.
            Kind::Tool { .. } | Kind::Job { .. } => {
                let is_other =
                    |index: &usize| !operation.kind.is_of_one_name(&self.operations[*index].kind);
                let others: Vec<usize> = before.iter().copied().filter(is_other).collect();
                others.iter().find(around).or(others.first()).copied()
            }
        }
    }

    fn into_tree(mut self, lines: Vec<Line>, loose: Vec<Node>) -> Tree {
        let mut roots = loose;
        for index in 0..self.operations.len() {
            let parent = self.operations[index].parent;
            let siblings = match parent.and_then(|parent| self.operations.get_mut(parent)) {
                Some(parent) => &mut parent.children,
                None => &mut roots,
            };
            siblings.push(Node::Operation(index));
        }
        let starts = self.operations.iter().map(|it| it.start);
        let times = lines.iter().map(|line| line.at);
        let start = starts.chain(times.clone()).min().unwrap_or_default();
        let mut tree = Tree {
            end: times.max().unwrap_or_default(),
            start,
            lines,
            operations: self.operations,
            roots,
        };
        tree.order();
        tree
    }
}

impl Tree {
    fn order(&mut self) {
        let mut roots = std::mem::take(&mut self.roots);
        self.sort(&mut roots);
        self.roots = roots;
        for index in 0..self.operations.len() {
            let mut children = std::mem::take(&mut self.operations[index].children);
            self.sort(&mut children);
            self.operations[index].children = children;
        }
    }

    fn sort(&self, nodes: &mut [Node]) {
        nodes.sort_by_key(|node| {
            let first_line = match node {
                Node::Line(index) => *index,
                Node::Operation(index) => self.operations[*index].first_line,
            };
            (self.at(*node), first_line)
        });
    }
}
