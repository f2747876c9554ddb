//! A scan on several threads: which thread reads what, and how what they find comes back in input order.
//!
//! Inputs are handed out in order. One that is large and can be split is shared: its reader gives parts, and every
//! thread that comes free helps with the oldest shared input before it begins a new one. What is found is put in the
//! order of inputs and parts, so a scan's result does not depend on the number of threads. A thread whose findings are
//! far ahead of the part that is due waits, so memory is bounded; the thread with the part that is due never waits, so
//! the scan always goes on.

use super::incremental::{FINDINGS_MAX, Kept, Stamp};
use super::profile::Profile;
use super::{FileReport, Progress, ScanInput, ScanOptions, Sink, Tallies, UnitReport, Worker};
use crate::readers::{Opened, Reader, io_message};
use crate::{Engine, Error, Finding};
use crossbeam_channel::{Receiver, Sender};
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Inputs from this size on are shared, where they can be.
const SHARED_BYTES_MIN: u64 = 4 << 20;
/// Findings sent at a time.
const CHUNK: usize = 128;
/// Messages on their way.
const MESSAGES: usize = 64;
/// Findings that wait for their turn, about.
const WAITING_MAX: usize = 50_000;

/// The place of findings in the result: input and part.
type Place = (usize, u64);

enum Message {
    Findings(Place, Vec<Finding>),
    /// A part of a shared input is done.
    Part(Place),
    /// An input is done; all its parts were said to be before.
    File(usize, Box<FileReport>),
    Failed(Error),
}

/// Scans on `jobs` threads.
pub(super) fn scan(
    engine: &Engine,
    inputs: &[ScanInput],
    options: &ScanOptions,
    progress: &Progress,
    sink: &mut dyn Sink,
    jobs: usize,
) -> Result<(), Error> {
    let schedule = Schedule::new(inputs);
    let gate = Gate::default();
    let kept = options.incremental.as_deref().map(|folder| Kept::new(folder, engine, options));
    let (sender, receiver) = crossbeam_channel::bounded::<Message>(MESSAGES);
    std::thread::scope(|scope| {
        for started in 0..jobs {
            let (sender, schedule, gate, kept) = (sender.clone(), &schedule, &gate, kept.as_ref());
            let spawned = std::thread::Builder::new().spawn_scoped(scope, move || {
                let done = Worker::new(engine, options, progress).and_then(|worker| {
                    Helper { worker, schedule, gate, kept, sender: &sender, progress, shares: jobs > 1 }.work()
                });
                if let Err(e) = done {
                    drop(sender.send(Message::Failed(e)));
                }
            });
            match spawned {
                Ok(_) => {}
                // Where threads are few, those there are do it.
                Err(e) if started == 0 => {
                    return Err(Error::Engine(format!("no thread can be started: {}", io_message(&e))));
                }
                Err(_) => break,
            }
        }
        drop(sender);
        let received = receive(&receiver, &gate, sink);
        // Whoever waits at the gate or for the channel is let go.
        gate.open();
        drop(receiver);
        received
    })
}

fn receive(receiver: &Receiver<Message>, gate: &Gate, sink: &mut dyn Sink) -> Result<(), Error> {
    let mut order = InOrder::default();
    for message in receiver {
        match message {
            Message::Findings(place, findings) => order.findings(place, findings, sink),
            Message::Part(place) => order.part(place, sink),
            Message::File(index, report) => order.file(index, *report, sink),
            Message::Failed(e) => return Err(e),
        }
        gate.update(order.current, order.waiting_count);
    }
    Ok(())
}

/// What is left to do.
struct Schedule<'a> {
    inputs: &'a [ScanInput],
    state: Mutex<ScheduleState>,
}

#[derive(Default)]
struct ScheduleState {
    next: usize,
    /// Inputs that give parts, in their order.
    shared: VecDeque<Arc<Shared>>,
}

/// An input that several threads read.
struct Shared {
    index: usize,
    state: Mutex<SharedState>,
}

struct SharedState {
    reader: Box<dyn Reader + Send>,
    report: FileReport,
    stamp: Option<Stamp>,
    parts: u64,
    parts_done: u64,
    /// The reader gave its last part.
    exhausted: bool,
    outcomes: BTreeMap<u64, UnitReport>,
    tallies: Tallies,
}

enum Task {
    Input(usize),
    Part(Arc<Shared>, u64, Box<dyn Reader + Send>),
    /// The last part is done and nobody has said so.
    Finished(Arc<Shared>),
}

impl<'a> Schedule<'a> {
    fn new(inputs: &'a [ScanInput]) -> Self {
        Self { inputs, state: Mutex::default() }
    }

    /// The next thing to do; `None` when all is handed out.
    fn next(&self) -> Option<Task> {
        loop {
            let shared = {
                let mut state = lock(&self.state);
                match state.shared.front() {
                    Some(shared) => Arc::clone(shared),
                    None if state.next < self.inputs.len() => {
                        state.next += 1;
                        return Some(Task::Input(state.next - 1));
                    }
                    None => return None,
                }
            };
            // Reading ahead takes time: the schedule is not locked meanwhile.
            let mut of_input = lock(&shared.state);
            if of_input.exhausted {
                self.forget(&shared);
                continue;
            }
            if let Some(part) = of_input.reader.split() {
                of_input.parts += 1;
                let number = of_input.parts - 1;
                drop(of_input);
                return Some(Task::Part(shared, number, part));
            }
            of_input.exhausted = true;
            let finished = of_input.parts_done == of_input.parts;
            drop(of_input);
            self.forget(&shared);
            if finished {
                return Some(Task::Finished(shared));
            }
        }
    }

    fn forget(&self, shared: &Arc<Shared>) {
        lock(&self.state).shared.retain(|other| other.index != shared.index);
    }

    fn share(&self, index: usize, reader: Box<dyn Reader + Send>, report: FileReport, stamp: Option<Stamp>) {
        let state = SharedState {
            reader,
            report,
            stamp,
            parts: 0,
            parts_done: 0,
            exhausted: false,
            outcomes: BTreeMap::new(),
            tallies: Tallies::new(),
        };
        let shared = Arc::new(Shared { index, state: Mutex::new(state) });
        let mut state = lock(&self.state);
        let at = state.shared.partition_point(|other| other.index < index);
        state.shared.insert(at, shared);
    }
}

/// One thread of the scan.
struct Helper<'a, 'e> {
    worker: Worker<'e>,
    schedule: &'a Schedule<'a>,
    gate: &'a Gate,
    kept: Option<&'a Kept>,
    sender: &'a Sender<Message>,
    progress: &'a Progress,
    /// There are other threads to share large inputs with.
    shares: bool,
}

impl Helper<'_, '_> {
    fn work(&mut self) -> Result<(), Error> {
        while let Some(task) = self.schedule.next() {
            match task {
                // What was begun is ended; a reader sees by itself that the scan was stopped.
                Task::Input(_) if self.progress.stop.load(Ordering::Relaxed) => return Ok(()),
                Task::Input(index) => self.input(index)?,
                Task::Part(shared, number, reader) => self.part(&shared, number, reader)?,
                Task::Finished(shared) => self.finish(&shared),
            }
        }
        Ok(())
    }

    fn input(&mut self, index: usize) -> Result<(), Error> {
        let Some(input) = self.schedule.inputs.get(index) else { return Ok(()) };
        let stamp = self.kept.and_then(|_| Stamp::of(input));
        if let (Some(kept), Some(stamp)) = (self.kept, &stamp)
            && let Some((report, findings)) = kept.load(input, stamp)
        {
            self.unchanged(index, report, findings);
            return Ok(());
        }
        let mut report = FileReport::of(input);
        let opened = self.worker.open(input, &mut report)?;
        let mut findings = None;
        if let Some(Opened { reader, .. }) = opened {
            if self.shares && input.size_bytes >= SHARED_BYTES_MIN && reader.splits() {
                self.schedule.share(index, reader, report, stamp);
                return Ok(());
            }
            let mut tallies = Tallies::new();
            let mut done = self.read((index, 0), reader, &mut tallies)?;
            findings = done.kept.take();
            let profile = std::mem::take(&mut done.profile);
            report.add(done);
            report.summaries = profile.judge(self.worker.summaries(tallies), self.worker.engine.rules());
        }
        self.worker.finish(input, &mut report);
        self.keep(input, stamp, &report, findings);
        self.send(Message::File(index, Box::new(report)));
        Ok(())
    }

    /// Gives again what an earlier scan found.
    fn unchanged(&self, index: usize, report: FileReport, findings: Vec<Finding>) {
        self.progress.findings.fetch_add(findings.len() as u64, Ordering::Relaxed);
        self.progress.files.fetch_add(1, Ordering::Relaxed);
        if !findings.is_empty() {
            self.gate.pass((index, 0), self.progress);
            self.send(Message::Findings((index, 0), findings));
        }
        self.send(Message::File(index, Box::new(report)));
    }

    fn keep(&self, input: &ScanInput, stamp: Option<Stamp>, report: &FileReport, findings: Option<Vec<Finding>>) {
        if let (Some(kept), Some(stamp), Some(findings)) = (self.kept, stamp, findings) {
            kept.store(input, &stamp, report, findings);
        }
    }

    fn part(&mut self, shared: &Arc<Shared>, number: u64, reader: Box<dyn Reader + Send>) -> Result<(), Error> {
        let mut tallies = Tallies::new();
        let place = (shared.index, number);
        let done = self.read(place, reader, &mut tallies)?;
        self.send(Message::Part(place));
        let mut state = lock(&shared.state);
        if done.ended_early {
            // A part that could not be read to its end, or a sample that is full, ends its input.
            state.exhausted = true;
        }
        state.outcomes.insert(number, done);
        super::merge_tallies(&mut state.tallies, tallies);
        state.parts_done += 1;
        let finished = state.exhausted && state.parts_done == state.parts;
        drop(state);
        if finished {
            self.finish(shared);
        }
        Ok(())
    }

    fn finish(&mut self, shared: &Arc<Shared>) {
        let mut state = lock(&shared.state);
        let mut report = state.report.clone();
        let mut findings = Some(Vec::new());
        let mut profile = Profile::default();
        for (_, mut outcome) in std::mem::take(&mut state.outcomes) {
            findings = findings.zip(outcome.kept.take()).map(|(all, part)| [all, part].concat());
            profile.merge(std::mem::take(&mut outcome.profile));
            report.add(outcome);
        }
        let findings = findings.filter(|all| all.len() <= FINDINGS_MAX);
        let stamp = state.stamp.take();
        let tallies = std::mem::take(&mut state.tallies);
        drop(state);
        report.summaries = profile.judge(self.worker.summaries(tallies), self.worker.engine.rules());
        if let Some(input) = self.schedule.inputs.get(shared.index) {
            self.worker.finish(input, &mut report);
            self.keep(input, stamp, &report, findings);
        }
        self.send(Message::File(shared.index, Box::new(report)));
    }

    fn read(
        &mut self,
        place: Place,
        mut reader: Box<dyn Reader + Send>,
        tallies: &mut Tallies,
    ) -> Result<UnitReport, Error> {
        let (gate, sender, progress) = (self.gate, self.sender, self.progress);
        let mut chunk = Vec::new();
        let send = |chunk: Vec<Finding>| {
            gate.pass(place, progress);
            drop(sender.send(Message::Findings(place, chunk)));
        };
        let input = self.schedule.inputs.get(place.0);
        if let Some(input) = input {
            self.worker.turn_to(input);
        }
        let path = input.map_or(Path::new(""), |input| input.path.as_path());
        let done = self.worker.read(place.0, path, reader.as_mut(), tallies, &mut |finding| {
            chunk.push(finding);
            if chunk.len() == CHUNK {
                send(std::mem::take(&mut chunk));
            }
        });
        if !chunk.is_empty() {
            send(chunk);
        }
        done
    }

    /// The receiver is gone only when the scan failed elsewhere.
    fn send(&self, message: Message) {
        drop(self.sender.send(message));
    }
}

/// Holds back findings that are far from their turn.
#[derive(Default)]
struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    current: Place,
    waiting_count: usize,
    open: bool,
}

impl Gate {
    fn pass(&self, place: Place, progress: &Progress) {
        let mut state = lock(&self.state);
        while state.waiting_count >= WAITING_MAX && place > state.current && !state.open {
            // The timeout is for a stop from outside, which wakes nobody.
            let waited = self.changed.wait_timeout(state, Duration::from_millis(100));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if progress.stop.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    fn update(&self, current: Place, waiting_count: usize) {
        let mut state = lock(&self.state);
        let wakes = state.current != current || (waiting_count < WAITING_MAX && state.waiting_count >= WAITING_MAX);
        state.current = current;
        state.waiting_count = waiting_count;
        drop(state);
        if wakes {
            self.changed.notify_all();
        }
    }

    fn open(&self) {
        lock(&self.state).open = true;
        self.changed.notify_all();
    }
}

/// Puts what several threads send back in order. The part whose turn it is streams; later ones wait.
#[derive(Default)]
struct InOrder {
    current: Place,
    waiting: BTreeMap<Place, Waiting>,
    waiting_count: usize,
    reports: BTreeMap<usize, FileReport>,
}

#[derive(Default)]
struct Waiting {
    findings: Vec<Finding>,
    done: bool,
}

impl InOrder {
    fn findings(&mut self, place: Place, findings: Vec<Finding>, sink: &mut dyn Sink) {
        if place == self.current {
            findings.into_iter().for_each(|f| sink.finding(f));
        } else {
            self.waiting_count += findings.len();
            self.waiting.entry(place).or_default().findings.extend(findings);
        }
    }

    fn part(&mut self, place: Place, sink: &mut dyn Sink) {
        self.waiting.entry(place).or_default().done = true;
        self.advance(sink);
    }

    fn file(&mut self, index: usize, report: FileReport, sink: &mut dyn Sink) {
        self.reports.insert(index, report);
        self.advance(sink);
    }

    /// Hands out all that is due, and comes to rest at the first part that is not done.
    fn advance(&mut self, sink: &mut dyn Sink) {
        loop {
            let (file, part) = self.current;
            let waiting = self.waiting.remove(&self.current).unwrap_or_default();
            self.waiting_count -= waiting.findings.len();
            waiting.findings.into_iter().for_each(|f| sink.finding(f));
            if waiting.done {
                self.current = (file, part + 1);
            } else if let Some(report) = self.reports.remove(&file) {
                sink.file(report);
                self.current = (file + 1, 0);
            } else {
                return;
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
