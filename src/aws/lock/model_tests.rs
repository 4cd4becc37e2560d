//! The lock's protocol, tried out: every order in which runs, SSM and time can move, with answers that are lost, calls
//! that arrive late, reads that lag, crashes, deletions and a person who frees the lock by hand.
//!
//! What is driven here is [`Party`], the state machine that the program runs. SSM is a list of versions. Being suspended
//! needs no move of its own: time passes while a run does nothing. The clocks of the runs show different times.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;
use std::time::Duration;

use stateright::{Checker, HasDiscoveries, Model, Property};

use super::entry::{Entry, EntryDigest, Holder};
use super::protocol::{LockAnswer, LockCall, LockEnd, LockGoal, LockStep, LockVersion, Party, Times};

/// Length of a step of the model's clock.
const TICK: Duration = Duration::from_secs(10);
/// After its heartbeat a holder writes for a step, and what it sent arrives within another.
const TIMES: Times = Times { limit: TICK, flight: TICK };
/// For how many steps a deleted name cannot be made again.
const DELETED: u8 = 1;

/// Number of moves that are tried in one world, breadth first: more take too much time and memory.
const MOST: usize = 60_000;
/// The same for the long run.
const MANY: usize = 2_000_000;

thread_local! {
    /// Memoised results of `gets_on`, by state.
    static KNOWN: RefCell<HashMap<u64, bool>> = RefCell::default();
}

/// Safety property: the lock's promise.
const ONE_WRITER: &str = "never two that both write";
const LIVE: &str = "always one that gets on";

/// A world to try the protocol in.
#[derive(Clone, Debug)]
struct World {
    /// What each run does with the lock, round by round; each run stands on the host of this number.
    runs: Vec<(Vec<Round>, u8)>,
    /// How far time goes.
    until: u8,
    /// How many answers are lost, calls arrive late, reads lag, runs crash.
    budget: Budget,
    /// What is made weaker than it is, to see that it is noticed.
    weakness: Option<Weakness>,
}

/// Use of the lock by a run, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Round {
    /// Acquires the lock, sends this many heartbeats, and releases it.
    Apply(u8),
    /// Acquires the lock and deletes its parameter.
    Destroy,
    /// Frees the lock by hand, whoever holds it.
    Unlock,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Budget {
    lost: u8,
    late: u8,
    stale: u8,
    crashes: u8,
}

/// A protocol that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weakness {
    /// Whoever wrote last has the lock, whatever it wrote over.
    LastWriterWins,
    /// Numbers alone prove what was written over.
    IgnoresDigest,
    /// A holder writes without looking at the time.
    NoFence,
    /// Others do not wait for what a silent holder has sent.
    ShortSilence,
    /// A lock that was freed by hand is to be had at once.
    FreeAtOnce,
    /// A deletion whose answer is lost is sent again.
    DeletesTwice,
    /// A process that cannot be seen counts as dead: that of another PID namespace.
    BuriesTheLiving,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    now: u8,
    /// The versions of the parameter, with the time of each; none while there is no parameter.
    versions: Vec<Arc<(Entry, EntryDigest, u8)>>,
    deleted: Option<u8>,
    /// Calls that nobody waits for any more and that are still under way, with the time when each was sent.
    late: Vec<(LockCall, u8)>,
    runs: Vec<Run>,
    left: Budget,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Run {
    party: Party,
    /// Which round it is in; past the last one it is done.
    round: usize,
    goal: Option<LockGoal>,
    /// The call that it waits for, and when it sent it.
    call: Option<(LockCall, u8)>,
    beats: u8,
    crashed: bool,
    /// Whether it has ended what it does with the lock, and gives it back.
    drained: bool,
    /// When it last sent a write that may still be under way.
    wrote: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    /// Time passes.
    Tick,
    /// A run sets out for the next thing.
    Begin(usize),
    /// A run's call is answered.
    Answer(usize),
    /// A run's call takes effect and its answer is lost.
    LoseAfter(usize),
    /// A run's call is lost.
    LoseBefore(usize),
    /// A run gives up waiting for its call, which is still under way.
    GiveUp(usize),
    /// A call that nobody waits for takes effect.
    Arrive(usize),
    /// A run's read is answered as it was this many versions ago.
    Lag(usize, usize),
    /// A run crashes; its call may be lost or under way.
    Crash(usize, bool),
}

impl World {
    fn times(&self) -> Times {
        let flight = if self.weakness == Some(Weakness::ShortSilence) { Duration::ZERO } else { TIMES.flight };
        Times { flight, ..TIMES }
    }

    /// The time by the clock of a run: no two show the same.
    fn clock(run: usize, now: u8) -> Duration {
        Duration::from_secs([1_000, 7, 500_000, 40][run % 4]) + TICK * now.into()
    }

    fn may_write(&self, state: &State, run: usize) -> bool {
        let Run { party, crashed, drained, .. } = &state.runs[run];
        let held = party.held_since().is_some() && !drained;
        !crashed && held && (self.weakness == Some(Weakness::NoFence) || party.may_write(Self::clock(run, state.now)))
    }

    /// Notes who may be writing now: of each run the last moment counts, until it has given the lock back.
    fn note(&self, state: &mut State) {
        for run in 0..state.runs.len() {
            if self.may_write(state, run) {
                state.runs[run].wrote = Some(state.now);
            }
        }
    }

    fn begin(&self, state: &mut State, index: usize) -> Option<()> {
        let run = &mut state.runs[index];
        let round = *self.runs[index].0.get(run.round)?;
        let held = run.party.held_since().is_some();
        let goal = match (round, run.goal.take()) {
            (Unlock, _) => {
                let holder = state.versions.iter().rev().find_map(|version| version.0.holder.clone());
                LockGoal::Free(holder?.token)
            }
            (_, _) if !held => LockGoal::Acquire,
            (Apply(beats), _) if run.beats < beats => {
                run.beats += 1;
                LockGoal::Heartbeat
            }
            (Apply(_), _) => LockGoal::Release,
            (Destroy, _) => LockGoal::Remove,
        };
        if matches!(goal, LockGoal::Release | LockGoal::Remove) {
            // What it had under way has ended before.
            (run.drained, run.wrote) = (true, None);
        }
        run.goal = Some(goal.clone());
        let next = run.party.begin(goal, Self::clock(index, state.now));
        self.follow(state, index, next);
        Some(())
    }

    fn follow(&self, state: &mut State, index: usize, next: LockStep) {
        let run = &mut state.runs[index];
        match next {
            LockStep::Ask(call) => run.call = Some((call, state.now)),
            LockStep::End(end) => {
                let goal = run.goal.take();
                let is_last = !matches!(goal, Some(LockGoal::Acquire | LockGoal::Heartbeat));
                // Whoever lost the lock, or has done with it, goes on to the next round.
                if is_last && end != LockEnd::Unclear || end == LockEnd::Gone || goal == Some(LockGoal::Remove) {
                    (run.round, run.beats, run.drained) = (run.round + 1, 0, false);
                }
            }
        }
        self.note(state);
    }

    /// SSM's answer to a call; reads are `lag` versions behind.
    fn serve(&self, state: &mut State, call: &LockCall, sent: u8, lag: usize, dated: bool) -> LockAnswer {
        let now = state.now;
        let seen = state.versions.len().saturating_sub(lag);
        let find = |state: &State, number: usize| {
            let (entry, digest, at) = &**state.versions[..seen].get(number.checked_sub(1)?)?;
            let mut entry = entry.clone();
            let mut digest = digest.clone();
            match self.weakness {
                Some(Weakness::LastWriterWins) => (entry.supersedes, entry.superseded_digest) = (None, None),
                Some(Weakness::IgnoresDigest) => {
                    digest = "same".into();
                    entry.superseded_digest = entry.superseded_digest.map(|_| digest.clone());
                }
                _ => {}
            }
            let age = dated.then(|| TICK * (now - at).into());
            Some(LockVersion { number: i64::try_from(number).ok()?, entry, digest, age })
        };
        match call {
            LockCall::Read => find(state, seen).map_or(LockAnswer::Absent, LockAnswer::Found),
            LockCall::ReadVersion(number) => {
                let number = usize::try_from(*number).unwrap_or(0);
                find(state, number).map_or(LockAnswer::Absent, LockAnswer::Found)
            }
            LockCall::Put(entry) => {
                // Only the documentation asks for that pause, so that it is no part of what keeps deletions safe.
                let pause = if self.weakness == Some(Weakness::DeletesTwice) { 0 } else { DELETED };
                let too_early = state.versions.is_empty() && state.deleted.is_some_and(|at| now < at + pause);
                if too_early || entry.supersedes == Some(0) && !state.versions.is_empty() {
                    return LockAnswer::Exists;
                }
                let mut entry = entry.clone();
                if self.weakness == Some(Weakness::FreeAtOnce) {
                    entry.rest = Duration::ZERO;
                }
                let digest = Entry::digest(&entry.text());
                let supersedes = entry.supersedes.unwrap_or(0);
                state.versions.push(Arc::new((entry, digest, now)));
                match self.weakness {
                    Some(Weakness::LastWriterWins) => LockAnswer::Written(supersedes + 1),
                    _ => LockAnswer::Written(i64::try_from(state.versions.len()).unwrap_or(i64::MAX)),
                }
            }
            // What is sent arrives in time, or never.
            LockCall::Delete if TICK * (now - sent).into() > TIMES.flight && self.weakness.is_none() => {
                LockAnswer::Lost
            }
            LockCall::Delete => {
                state.versions.clear();
                state.deleted = Some(now);
                LockAnswer::Deleted
            }
        }
    }

    fn deliver(&self, state: &mut State, index: usize, answer: LockAnswer) {
        let hosts: Vec<(String, bool)> = state
            .runs
            .iter()
            .enumerate()
            .filter(|(other, _)| self.runs[*other].1 == self.runs[index].1 && *other != index)
            .map(|(_, run)| (run.party.me.token.clone(), run.crashed))
            .collect();
        let buries = self.weakness == Some(Weakness::BuriesTheLiving);
        let has_ended =
            |holder: &Holder| hosts.iter().any(|(token, crashed)| holder.token == *token && (*crashed || buries));
        let next = state.runs[index].party.answer(answer, Self::clock(index, state.now), &has_ended);
        self.follow(state, index, next);
    }

    /// Liveness: returns `true` if a new run, on a machine of its own, gets the lock once nobody else acts any more.
    fn gets_on(&self, state: &State) -> bool {
        let mut quiet = State { late: Vec::new(), ..state.clone() };
        // Longer than a holder must be silent, and a lock that was freed by hand must rest after that.
        quiet.now += 8;
        let mut party = Party::new(holder(9), self.times());
        for _ in 0..3 {
            let mut next = party.begin(LockGoal::Acquire, World::clock(3, quiet.now));
            for _ in 0..40 {
                match next {
                    LockStep::End(LockEnd::Done) => return true,
                    LockStep::End(_) => break,
                    LockStep::Ask(call) => {
                        let answer = self.serve(&mut quiet, &call, state.now, 0, true);
                        next = party.answer(answer, World::clock(3, quiet.now), &|_| false);
                    }
                }
            }
            quiet.now += 4;
        }
        false
    }
}

fn holder(run: usize) -> Holder {
    Holder { token: format!("run {run}"), ..Holder::default() }
}

impl Model for World {
    type State = State;
    type Action = Move;

    fn init_states(&self) -> Vec<State> {
        let run = |index| Run {
            party: Party::new(holder(index), self.times()),
            round: 0,
            goal: None,
            call: None,
            beats: 0,
            crashed: false,
            drained: false,
            wrote: None,
        };
        let runs = (0..self.runs.len()).map(run).collect();
        let empty = State { now: 0, versions: Vec::new(), deleted: None, late: Vec::new(), runs, left: self.budget };
        let freed = Arc::new((Entry::default(), Entry::digest("free"), 0));
        vec![State { versions: vec![freed], ..empty.clone() }, empty]
    }

    fn actions(&self, state: &State, moves: &mut Vec<Move>) {
        if state.now < self.until {
            moves.push(Move::Tick);
        }
        moves.extend((0..state.late.len()).map(Move::Arrive));
        for (index, run) in state.runs.iter().enumerate().filter(|(_, run)| !run.crashed) {
            if run.round >= self.runs[index].0.len() {
                continue;
            }
            match &run.call {
                None => moves.push(Move::Begin(index)),
                Some((call, _)) => {
                    moves.push(Move::Answer(index));
                    let reads = matches!(call, LockCall::Read | LockCall::ReadVersion(_));
                    if reads && state.left.stale > 0 {
                        moves.extend((1..=state.versions.len().min(2)).map(|lag| Move::Lag(index, lag)));
                    }
                    if !reads && state.left.lost > 0 {
                        moves.extend([Move::LoseAfter(index), Move::LoseBefore(index)]);
                    }
                    if !reads && state.left.late > 0 {
                        moves.push(Move::GiveUp(index));
                    }
                }
            }
            if state.left.crashes > 0 && run.round + run.beats as usize + usize::from(run.call.is_some()) > 0 {
                moves.push(Move::Crash(index, false));
                if state.left.late > 0 && matches!(run.call, Some((LockCall::Put(_) | LockCall::Delete, _))) {
                    moves.push(Move::Crash(index, true));
                }
            }
        }
    }

    fn next_state(&self, before: &State, step: Move) -> Option<State> {
        let mut state = before.clone();
        // The second run's answers do not say what time it is.
        let dated = |index: usize| index != 1;
        match step {
            Move::Tick => {
                state.now += 1;
                self.note(&mut state);
            }
            Move::Begin(index) => {
                self.begin(&mut state, index)?;
                // Who must wait is where it was.
                if state.runs == before.runs {
                    return None;
                }
            }
            Move::Answer(index) => {
                let (call, sent) = state.runs[index].call.take()?;
                let answer = self.serve(&mut state, &call, sent, 0, dated(index));
                self.deliver(&mut state, index, answer);
            }
            Move::Lag(index, lag) => {
                state.left.stale -= 1;
                let (call, sent) = state.runs[index].call.take()?;
                let answer = self.serve(&mut state, &call, sent, lag, dated(index));
                self.deliver(&mut state, index, answer);
            }
            Move::LoseAfter(index) => {
                state.left.lost -= 1;
                let (call, sent) = state.runs[index].call.take()?;
                self.serve(&mut state, &call, sent, 0, false);
                if self.weakness == Some(Weakness::DeletesTwice) && call == LockCall::Delete {
                    state.late.push((call, sent));
                }
                self.deliver(&mut state, index, LockAnswer::Lost);
            }
            Move::LoseBefore(index) => {
                state.left.lost -= 1;
                state.runs[index].call = None;
                self.deliver(&mut state, index, LockAnswer::Lost);
            }
            Move::GiveUp(index) => {
                state.left.late -= 1;
                let call = state.runs[index].call.take()?;
                state.late.push(call);
                self.deliver(&mut state, index, LockAnswer::Lost);
            }
            Move::Arrive(index) => {
                let (call, sent) = state.late.remove(index);
                self.serve(&mut state, &call, sent, 0, false);
            }
            Move::Crash(index, late) => {
                state.left.crashes -= 1;
                let run = &mut state.runs[index];
                let call = run.call.take();
                (run.crashed, run.wrote) = (true, None);
                if late {
                    state.left.late -= 1;
                    state.late.extend(call);
                }
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ONE_WRITER, |world: &World, state: &State| {
                let writing = (0..state.runs.len()).filter(|run| world.may_write(state, *run));
                writing.into_iter().all(|run| {
                    state.runs.iter().enumerate().all(|(other, its)| {
                        let under_way = its.wrote.is_some_and(|at| TICK * (state.now - at).into() <= TIMES.flight);
                        other == run || !under_way
                    })
                })
            }),
            Property::always(LIVE, |world: &World, state: &State| {
                let key = (&state.versions, state.deleted, state.now, world.weakness.is_some());
                let key = BuildHasherDefault::<DefaultHasher>::default().hash_one(key);
                KNOWN.with_borrow_mut(|known| *known.entry(key).or_insert_with(|| world.gets_on(state)))
            }),
        ]
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds: Vec<_> = self.runs.iter().map(|(rounds, _)| rounds).collect();
        write!(f, "{rounds:?} for {} steps with {:?}", self.until, self.budget)
    }
}

use Round::{Apply, Destroy, Unlock};

/// Runs with these rounds: the first two on one host, the others on hosts of their own.
fn world(rounds: &[&[Round]], until: u8, budget: Budget) -> World {
    let host = |index: usize| u8::try_from(index.max(1)).unwrap_or(u8::MAX);
    let runs = rounds.iter().enumerate().map(|(index, rounds)| (rounds.to_vec(), host(index))).collect();
    World { runs, until, budget, weakness: None }
}

const fn budget(lost: u8, late: u8, stale: u8, crashes: u8) -> Budget {
    Budget { lost, late, stale, crashes }
}

/// Tries a world out, with at most this many moves: how many states it has.
fn try_out(world: World, most: usize) -> usize {
    let name = world.to_string();
    let checker = world.checker().finish_when(HasDiscoveries::AnyFailures).target_state_count(most).spawn_bfs().join();
    for property in [ONE_WRITER, LIVE] {
        if let Some(path) = checker.discovery(property) {
            let moves: Vec<_> = path.into_actions();
            panic!("{name}: not `{property}`: {moves:?}");
        }
    }
    let whole = if checker.state_count() < most { "all" } else { "the first" };
    println!("{name}: {whole} {} states, {} moves deep", checker.unique_state_count(), checker.max_depth());
    checker.unique_state_count()
}

#[test]
fn the_protocol_holds_whatever_happens() {
    let once = [budget(1, 0, 0, 0), budget(0, 1, 0, 0), budget(0, 0, 1, 0), budget(0, 0, 0, 1)];
    let mut worlds = Vec::new();
    for budget in once {
        // Three that want it at once; two, long enough for a takeover; one that deletes it; a person who frees it.
        worlds.push(world(&[&[Apply(0)], &[Apply(0)], &[Apply(0)]], 1, budget));
        worlds.push(world(&[&[Apply(1)], &[Apply(0)]], 4, budget));
        worlds.push(world(&[&[Destroy], &[Apply(0)], &[Apply(0)]], 1, budget));
        worlds.push(world(&[&[Apply(1)], &[Apply(0)], &[Unlock]], 1, budget));
    }
    // Two, with everything at once.
    worlds.push(world(&[&[Apply(1)], &[Destroy]], 4, budget(1, 1, 1, 1)));
    let count = worlds.len();
    // A world is checked by one thread, so that two are checked at a time.
    let rest = worlds.split_off(count / 2);
    let try_all = |worlds: Vec<World>| worlds.into_iter().map(|world| try_out(world, MOST)).sum::<usize>();
    let states = std::thread::scope(|scope| {
        let rest = scope.spawn(move || try_all(rest));
        try_all(worlds) + rest.join().unwrap()
    });
    println!("the lock: {states} states of {count} worlds");
    assert!(states > 50_000, "{states}");
}

#[test]
#[ignore = "takes minutes: `just lock`"]
fn the_protocol_holds_in_larger_worlds() {
    let worlds = [
        world(&[&[Apply(1)], &[Apply(1)], &[Apply(1)]], 5, budget(1, 1, 0, 1)),
        world(&[&[Apply(1)], &[Apply(1)], &[Apply(0)]], 4, budget(1, 0, 1, 1)),
        world(&[&[Apply(1), Apply(0)], &[Destroy], &[Apply(0)]], 4, budget(1, 1, 0, 0)),
        world(&[&[Apply(1)], &[Destroy], &[Destroy]], 4, budget(1, 0, 0, 1)),
        world(&[&[Apply(1)], &[Apply(0)], &[Unlock]], 6, budget(1, 0, 0, 1)),
    ];
    let states: usize = worlds.into_iter().map(|world| try_out(world, MANY)).sum();
    println!("the lock: {states} states");
}

/// A protocol that lacks one of its parts is caught: so that part is needed, and the check looks at it.
#[test]
fn every_part_of_the_protocol_is_needed() {
    let apply = [Apply(0)];
    for (weakness, rounds, until, budget) in [
        (Weakness::LastWriterWins, vec![&apply[..], &apply], 1, budget(0, 0, 0, 0)),
        (Weakness::IgnoresDigest, vec![&[Destroy], &[Apply(0)], &[Apply(0)]], 1, budget(0, 0, 0, 0)),
        (Weakness::NoFence, vec![&apply[..], &apply], 4, budget(0, 0, 0, 0)),
        (Weakness::ShortSilence, vec![&apply[..], &apply], 4, budget(0, 0, 0, 0)),
        (Weakness::FreeAtOnce, vec![&apply[..], &apply, &[Unlock]], 2, budget(0, 0, 0, 0)),
        (Weakness::DeletesTwice, vec![&[Destroy], &[Apply(0)], &[Apply(0)]], 0, budget(1, 0, 0, 0)),
        (Weakness::BuriesTheLiving, vec![&apply[..], &apply], 1, budget(0, 0, 0, 0)),
    ] {
        let world = World { weakness: Some(weakness), ..world(&rounds, until, budget) };
        let checker =
            world.checker().finish_when(HasDiscoveries::AnyFailures).target_state_count(MANY).spawn_bfs().join();
        let found = checker.discovery(ONE_WRITER).map(|path| path.into_actions());
        let moves =
            found.unwrap_or_else(|| panic!("{weakness:?} went unnoticed in {} states", checker.unique_state_count()));
        println!("{weakness:?}: caught after {} moves: {moves:?}", moves.len());
    }
}
