//! A process and what it has started, as `/proc` knows it.

use std::collections::BTreeMap;
use std::fs;

/// Some processes that belong together, as they were at one moment.
///
/// A process group would not do: the backends of Postgres have a group each.
#[derive(Clone, Debug)]
pub struct Tree {
    root: u32,
    members: Vec<Member>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Member {
    id: u32,
    parent: u32,
    /// Tells two processes apart that had the same id one after the other.
    started: u64,
}

impl Tree {
    /// Returns a process and all its descendants.
    pub fn of(root: u32) -> Self {
        let mut children: BTreeMap<u32, Vec<Member>> = BTreeMap::new();
        let mut members = Vec::new();
        for member in everything() {
            if member.id == root {
                members.push(member);
            } else {
                children.entry(member.parent).or_default().push(member);
            }
        }
        let mut looked_at = 0;
        while let Some(parent) = members.get(looked_at).map(|member| member.id) {
            members.extend(children.remove(&parent).unwrap_or_default());
            looked_at += 1;
        }
        Self { root, members }
    }

    /// Returns all ids.
    pub fn all(&self) -> Vec<u32> {
        self.members.iter().map(|member| member.id).collect()
    }

    /// Returns all ids but that of the process that started the others.
    pub fn descendants(&self) -> Vec<u32> {
        let all = self.all().into_iter();
        all.filter(|id| *id != self.root).collect()
    }

    /// Returns the ids of the descendants that have not ended.
    pub fn still_there(&self) -> Vec<u32> {
        let now: Vec<(u32, u64)> = everything().map(|now| (now.id, now.started)).collect();
        let members = self.members.iter();
        members
            .filter(|member| member.id != self.root && now.contains(&(member.id, member.started)))
            .map(|member| member.id)
            .collect()
    }
}

fn everything() -> impl Iterator<Item = Member> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| member(entry.file_name().to_str()?.parse().ok()?))
}

fn member(id: u32) -> Option<Member> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name of the program comes before, in brackets, and may hold anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    if fields.next()? == "Z" {
        return None;
    }
    let parent = fields.next()?.parse().ok()?;
    let started = fields.nth(17)?.parse().ok()?;
    Some(Member {
        id,
        parent,
        started,
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_tree_holds_children_and_grandchildren_and_nothing_else() {
        let mut child = Command::new("sh")
            .args(["-c", "sh -c 'read x; exit'; exit"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("it starts");
        super::super::wait_for("the grandchild", std::time::Duration::from_secs(10), || {
            (Tree::of(child.id()).descendants().len() == 1).then_some(())
        });
        let tree = Tree::of(child.id());
        assert_eq!(tree.all().first(), Some(&child.id()));
        assert_eq!(tree.still_there(), tree.descendants());
        drop(child.stdin.take());
        child.wait().expect("it ends");
        assert_eq!(tree.still_there(), Vec::<u32>::new());
        assert_eq!(Tree::of(child.id()).all(), Vec::<u32>::new());
    }
}
