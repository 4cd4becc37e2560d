//! The schedule of a plan, as data: its tasks, what each waits for, and which is next.
//!
//! A step is one task, and a replacement two. An executor takes tasks from the [`ReadyQueue`], says how each ended, and has
//! nothing left to derive.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::{Action, Plan, Step};
use crate::model::Address;

/// Half of a replacement: everything that depends on a replaced object goes before it goes, and is made again after it is
/// made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplacePhase {
    /// The old object goes.
    Destroy,
    /// The new one is made.
    Create,
}

/// One thing to do: a step, or a phase of a replacement.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The step.
    pub step: &'a Step,
    /// The phase; none unless the step is a replacement.
    pub phase: Option<ReplacePhase>,
}

impl Task<'_> {
    /// Returns `true` if the step begins with this task.
    pub const fn is_first(&self) -> bool {
        !matches!(self.phase, Some(ReplacePhase::Create))
    }

    /// Returns `true` if the step is done with this task.
    pub const fn is_last(&self) -> bool {
        !matches!(self.phase, Some(ReplacePhase::Destroy))
    }
}

/// Everything that is to be done, each task by its number, in the order of the plan.
#[derive(Clone, Debug)]
pub struct Schedule<'a> {
    tasks: Vec<Task<'a>>,
    /// Numbers of the tasks that each task waits for.
    waits_for: Vec<Vec<usize>>,
    /// Numbers of the tasks that wait for each task.
    followers: Vec<Vec<usize>>,
    /// Length of the longest path from each task on, the task included.
    remaining: Vec<usize>,
}

impl<'a> Schedule<'a> {
    /// The schedule of a plan: a task for each step that changes something, and for a replacement two.
    ///
    /// A step waits for the last task of each step that it waits for in the plan; of steps that change nothing there is none
    /// to wait for. A replacement turns that around for its first half: the old object cannot go before what lives in it has
    /// gone, be that replaced too or deleted for good, while the new one is made before anything is made in it. So its two
    /// halves stand between those of all that is replaced with it.
    pub fn of(plan: &'a Plan) -> Self {
        let steps = plan.steps().iter().filter(|step| step.action().is_change());
        let mut tasks = Vec::new();
        for step in steps {
            let phases: &[_] = match step.action() {
                Action::Replace => &[Some(ReplacePhase::Destroy), Some(ReplacePhase::Create)],
                _ => &[None],
            };
            tasks.extend(phases.iter().map(|phase| Task { step, phase: *phase }));
        }
        let numbered = || tasks.iter().enumerate();
        let last: BTreeMap<&Address, usize> =
            numbered().filter(|(_, task)| task.is_last()).map(|(at, task)| (task.step.address(), at)).collect();
        let inside = Inside::of(&tasks);
        let waits_for: Vec<Vec<usize>> = numbered()
            .map(|(at, task)| match task.phase {
                Some(ReplacePhase::Destroy) => inside.of_step(task.step),
                _ => {
                    let before = task.step.waits_for().iter().filter_map(|of| last.get(of).copied());
                    // The new object takes the place of the old one.
                    before.chain(task.phase.map(|_| at - 1)).collect()
                }
            })
            .collect();
        let mut followers = vec![Vec::new(); tasks.len()];
        for (at, before) in waits_for.iter().enumerate() {
            for of in before {
                followers[*of].push(at);
            }
        }
        let remaining = remaining(&waits_for, &followers);
        Self { tasks, waits_for, followers, remaining }
    }

    /// The tasks, each with its number.
    pub fn tasks(&self) -> impl Iterator<Item = (usize, Task<'a>)> {
        self.tasks.iter().copied().enumerate()
    }

    /// The task of a number.
    pub fn task(&self, at: usize) -> Task<'a> {
        self.tasks[at]
    }

    /// The tasks that one waits for, by number.
    pub fn waits_for(&self, at: usize) -> &[usize] {
        &self.waits_for[at]
    }

    /// A queue in which nothing has begun.
    pub fn queue(&self) -> ReadyQueue<'_> {
        let left: Vec<usize> = self.waits_for.iter().map(Vec::len).collect();
        let free = (0..left.len()).filter(|at| left[*at] == 0);
        let ready = free.map(|at| (self.remaining[at], Reverse(at))).collect();
        ReadyQueue { schedule: self, state: vec![TaskState::Waiting; left.len()], left, ready }
    }
}

/// Tasks that end what lives in other objects.
struct Inside<'a> {
    /// First halves of what is replaced, by what each of them waits for.
    replaced: BTreeMap<&'a Address, Vec<usize>>,
    /// Deletions.
    deleted: Vec<(usize, &'a Step)>,
}

impl<'a> Inside<'a> {
    fn of(tasks: &[Task<'a>]) -> Self {
        let (mut replaced, mut deleted) = (BTreeMap::<_, Vec<usize>>::new(), Vec::new());
        for (at, task) in tasks.iter().enumerate() {
            match (task.step.action(), task.phase) {
                (Action::Replace, Some(ReplacePhase::Destroy)) => {
                    task.step.waits_for().iter().for_each(|of| replaced.entry(of).or_default().push(at));
                }
                (Action::Delete, _) => deleted.push((at, task.step)),
                _ => {}
            }
        }
        Self { replaced, deleted }
    }

    /// The tasks that end what lives in a replaced object: the first half of what is replaced with it, and deletions of what
    /// was made in it and is no longer wanted.
    fn of_step(&self, step: &Step) -> Vec<usize> {
        let address = step.address();
        let lives = |other: &Step| other.address().kind > address.kind && !other.waits_for().contains(address);
        let deleted = self.deleted.iter().filter(|(_, other)| lives(other)).map(|(at, _)| *at);
        let mut all: Vec<usize> = self.replaced.get(address).into_iter().flatten().copied().chain(deleted).collect();
        all.sort_unstable();
        all
    }
}

/// The length of the longest path from each task to one that nothing waits for: Kahn's algorithm against the edges. Tasks
/// that wait for themselves, which no plan has, get 0.
fn remaining(waits_for: &[Vec<usize>], followers: &[Vec<usize>]) -> Vec<usize> {
    let mut left: Vec<usize> = followers.iter().map(Vec::len).collect();
    let mut open: Vec<usize> = (0..left.len()).filter(|at| left[*at] == 0).collect();
    let mut remaining = vec![0; left.len()];
    while let Some(at) = open.pop() {
        remaining[at] = 1 + followers[at].iter().map(|follower| remaining[*follower]).max().unwrap_or_default();
        for before in &waits_for[at] {
            left[*before] -= 1;
            if left[*before] == 0 {
                open.push(*before);
            }
        }
    }
    remaining
}

/// Progress of a task in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TaskState {
    /// The task has not begun.
    Waiting,
    /// The task has begun, or is done.
    Taken,
    /// The task will not be done, because of the one of this number.
    Lost(usize),
}

/// The ready queue of a schedule: each task counts what it still waits for, and is ready when its count falls to zero.
///
/// Of the ready ones that with the longest path behind it comes first, as in critical-path scheduling; among equals the order
/// of the plan decides, so that a run is the same every time.
#[derive(Clone, Debug)]
pub struct ReadyQueue<'s> {
    schedule: &'s Schedule<'s>,
    state: Vec<TaskState>,
    left: Vec<usize>,
    ready: BinaryHeap<(usize, Reverse<usize>)>,
}

impl ReadyQueue<'_> {
    /// The next task to begin; none while none is ready.
    pub fn take(&mut self) -> Option<usize> {
        while let Some((_, Reverse(at))) = self.ready.pop() {
            if self.state[at] == TaskState::Waiting {
                self.state[at] = TaskState::Taken;
                return Some(at);
            }
        }
        None
    }

    /// Makes ready what waited for a task alone.
    pub fn complete(&mut self, at: usize) {
        let schedule = self.schedule;
        for follower in &schedule.followers[at] {
            self.left[*follower] -= 1;
            if self.left[*follower] == 0 {
                self.ready.push((schedule.remaining[*follower], Reverse(*follower)));
            }
        }
    }

    /// Gives up tasks that are not done, with all that waits for them, by way of others too. What is lost besides them is
    /// returned in the order of the plan, each with the task that it is lost for.
    pub fn give_up(&mut self, tasks: impl IntoIterator<Item = usize>) -> Vec<(usize, usize)> {
        let mut open: BTreeSet<usize> = BTreeSet::new();
        let mut lost = Vec::new();
        let schedule = self.schedule;
        let given_up: Vec<usize> = tasks.into_iter().collect();
        for at in &given_up {
            self.state[*at] = TaskState::Lost(*at);
        }
        open.extend(given_up.iter().flat_map(|at| &schedule.followers[*at]));
        while let Some(at) = open.pop_first() {
            if self.state[at] != TaskState::Waiting {
                continue;
            }
            let because = schedule.waits_for[at].iter().find_map(|of| match self.state[*of] {
                TaskState::Lost(because) => Some(because),
                TaskState::Waiting | TaskState::Taken => None,
            });
            let Some(because) = because else { continue };
            self.state[at] = TaskState::Lost(because);
            lost.push((at, because));
            open.extend(&schedule.followers[at]);
        }
        lost
    }

    /// Takes out everything that has not begun, in the order of the plan.
    pub fn drain(&mut self) -> Vec<usize> {
        let waiting = (0..self.state.len()).filter(|at| self.state[*at] == TaskState::Waiting).collect::<Vec<_>>();
        for at in &waiting {
            self.state[*at] = TaskState::Taken;
        }
        waiting
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
