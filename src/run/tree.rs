//! The blocks that hosts walk through: a play's parts in their order, filtered by tags.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    diagnostic::Result,
    playbook::{ActionCall, Block, Item, Level, LevelKind, Play, Role, Task},
    value::{Dict, Value},
};

/// Decides whether a task's tags select it.
pub type Select<'a> = dyn Fn(&Task) -> Result<bool> + 'a;

static NEXT_IMPLICIT_ID: AtomicU64 = AtomicU64::new(1 << 40);

/// A task that the engine makes itself.
pub fn implicit_task(level: &Arc<Level>, action: &str, args: Dict, name: Option<&str>) -> Task {
    let level = Arc::new(Level {
        kind: LevelKind::Task,
        name: name.map(str::to_owned),
        keywords: Vec::new(),
        vars: Dict::new(),
        role: None,
        parent: Some(Arc::clone(level)),
        span: level.span.clone(),
    });
    Task {
        // Far above the loader's numbers, which count up from zero.
        id: NEXT_IMPLICIT_ID.fetch_add(1, Ordering::Relaxed),
        action: ActionCall {
            written: action.to_owned(),
            name: format!("ansible.builtin.{action}"),
            args,
            span: level.span.clone(),
        },
        level,
        looped: None,
        is_handler: false,
        implicit: true,
    }
}

/// An implicit `meta` task.
pub fn implicit_meta(level: &Arc<Level>, what: &str) -> Task {
    let args: Dict = [("_raw_params", Value::str(what))].into_iter().collect();
    implicit_task(level, "meta", args, None)
}

/// A block around a list of tasks, with nothing of its own.
pub fn plain_block(around: &Arc<Level>, body: Vec<Item>, always: Vec<Item>) -> Arc<Block> {
    let level = Arc::new(Level {
        kind: LevelKind::Block,
        name: None,
        keywords: Vec::new(),
        vars: Dict::new(),
        role: around.role.clone(),
        parent: Some(Arc::clone(around)),
        span: around.span.clone(),
    });
    Arc::new(Block { level, body, rescue: Vec::new(), always })
}

/// Each entry of a task list as a block of its own.
///
/// Consecutive plain tasks share a block, as ansible's implicit blocks do: a failure in one ends
/// the list for that host either way.
fn as_blocks(around: &Arc<Level>, items: &[Item]) -> Vec<Arc<Block>> {
    let mut blocks = Vec::new();
    let mut plain: Vec<Item> = Vec::new();
    for item in items {
        match item {
            Item::Task(_) => plain.push(item.clone()),
            Item::Block(block) => {
                if !plain.is_empty() {
                    blocks.push(plain_block(around, std::mem::take(&mut plain), Vec::new()));
                }
                blocks.push(Arc::clone(block));
            }
        }
    }
    if !plain.is_empty() {
        blocks.push(plain_block(around, plain, Vec::new()));
    }
    blocks
}

/// The role's own tasks after those of its dependencies, deepest first, each list closed by a
/// marker that the role is complete.
pub fn role_blocks(role: &Arc<Role>) -> Vec<Arc<Block>> {
    let mut blocks = Vec::new();
    for dependency in &role.dependencies {
        blocks.extend(role_blocks(dependency));
    }
    let own = as_blocks(&role.level, role.tasks.get().map_or(&[][..], Vec::as_slice));
    blocks.extend(own);
    let mut end = implicit_meta(&role.level, "role_complete");
    end.level = {
        let old = &end.level;
        Arc::new(Level {
            kind: old.kind,
            name: old.name.clone(),
            keywords: Vec::new(),
            vars: Dict::new(),
            role: Some(Arc::clone(role)),
            parent: old.parent.clone(),
            span: old.span.clone(),
        })
    };
    blocks.push(plain_block(&role.level, vec![Item::Task(Arc::new(end))], Vec::new()));
    blocks
}

/// The handlers of a role and of its dependencies, deepest first.
pub fn role_handlers(role: &Arc<Role>) -> Vec<Item> {
    let mut handlers = Vec::new();
    for dependency in &role.dependencies {
        handlers.extend(role_handlers(dependency));
    }
    handlers.extend(role.handlers.get().into_iter().flatten().cloned());
    handlers
}

/// Everything that a play runs after fact gathering, in order.
pub fn play_blocks(play: &Play, force_handlers: bool) -> Vec<Arc<Block>> {
    let level = &play.level;
    let flush = || Item::Task(Arc::new(implicit_meta(level, "flush_handlers")));
    let noop = || Item::Task(Arc::new(implicit_meta(level, "noop")));
    let roles: Vec<Arc<Block>> = play.roles.iter().flat_map(role_blocks).collect();
    if force_handlers {
        let section = |mut body: Vec<Item>| {
            if body.is_empty() {
                body.push(noop());
            }
            plain_block(level, body, vec![flush()])
        };
        let mut tasks: Vec<Item> = roles.into_iter().map(Item::Block).collect();
        tasks.extend(play.tasks.iter().cloned());
        return vec![
            section(play.pre_tasks.clone()),
            section(tasks),
            section(play.post_tasks.clone()),
        ];
    }
    let mut blocks = as_blocks(level, &play.pre_tasks);
    blocks.push(plain_block(level, vec![flush()], Vec::new()));
    blocks.extend(roles);
    blocks.extend(as_blocks(level, &play.tasks));
    blocks.push(plain_block(level, vec![flush()], Vec::new()));
    blocks.extend(as_blocks(level, &play.post_tasks));
    blocks.push(plain_block(level, vec![flush()], Vec::new()));
    blocks
}

/// The block without the tasks that tags deselect; `None` if nothing is left.
pub fn filter(block: &Arc<Block>, select: &Select<'_>) -> Result<Option<Arc<Block>>> {
    let body = filter_items(&block.body, select)?;
    let rescue = filter_items(&block.rescue, select)?;
    let always = filter_items(&block.always, select)?;
    if body.is_empty() && rescue.is_empty() && always.is_empty() {
        return Ok(None);
    }
    Ok(Some(Arc::new(Block { level: Arc::clone(&block.level), body, rescue, always })))
}

fn filter_items(items: &[Item], select: &Select<'_>) -> Result<Vec<Item>> {
    let mut kept = Vec::new();
    for item in items {
        match item {
            Item::Task(task) => {
                // Flushes and the like belong to the play, not to a selection of its tasks.
                let engines_own = task.implicit && task.action.name == "ansible.builtin.meta";
                if engines_own || select(task)? {
                    kept.push(item.clone());
                }
            }
            Item::Block(block) => kept.extend(filter(block, select)?.map(Item::Block)),
        }
    }
    Ok(kept)
}

/// Included items as blocks to insert, filtered by tags.
pub fn included_blocks(
    around: &Arc<Level>,
    items: &[Item],
    select: &Select<'_>,
) -> Result<Vec<Arc<Block>>> {
    let mut blocks = Vec::new();
    for block in as_blocks(around, items) {
        blocks.extend(filter(&block, select)?);
    }
    Ok(blocks)
}
