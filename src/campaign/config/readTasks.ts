/**
 * The tasks of a campaign: those in the file itself, those in folders (one file each), and those that are built in.
 *
 * Laws: no two tasks have the same id, and there is at least one. In a folder every `.toml` and `.json` file is a task,
 * called as its file is unless it says another id; they come in the order of their names. A file that one of these
 * tasks names (its tests, its schema) is none.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { demonstrationTasks } from "../../grading/DemonstrationTasks.ts"
import { Task } from "../../grading/Task.ts"
import { nearestName } from "../../text/nearestName.ts"
import { taskFileTable, taskTable, type TopTable } from "./campaignTables.ts"
import { type ConfigPath, isTable, valueAt } from "./ConfigDocument.ts"
import { type ConfigFiles, type NamedPath, parseFile } from "./ConfigFiles.ts"
import { fillVariables, type Lookup } from "./fillVariables.ts"
import { fileOf, readGrader, type StoredGrader } from "./readGrader.ts"
import { type Reading, tellSyntax } from "./Reading.ts"

interface Source {
  readonly reading: Reading
  readonly files: ConfigFiles
  readonly folder: NamedPath
  readonly lookup: Lookup
}

/** A task, and where its id stands. */
interface PlacedTask {
  readonly task: Task
  readonly reading: Reading
  readonly path: ConfigPath
}

/** All tasks that are as they should be; what is wrong with the others is told. */
export const readTasks = Effect.fnUntraced(function*(source: Source, top: TopTable) {
  const { reading } = source
  const own = yield* Effect.forEach(
    Array.from({ length: reading.lengthOf(["task"]) }, (_, index) => index),
    (index) => readTask(source, ["task", index], undefined)
  )
  const inFolders = yield* Effect.forEach(
    top["task-folders"] ?? [],
    (name, index) => readFolder(source, name, ["task-folders", index])
  )
  const placed = [...own, ...inFolders.flat(), ...builtIn(reading)].filter((task) => task !== undefined)
  tellRepeated(placed)
  const isNamed = ["task", "task-folders", "built-in-tasks"].some((key) => reading.at([key]) !== undefined)
  // A key at the top that is misspelt may have been meant to be one of these.
  if (!isNamed && reading.findings.problems.every(({ path }) => /[.[]/.test(path))) {
    reading.refuse([], "there are no tasks; add [[task]], task-folders = [\"tasks\"] or built-in-tasks = \"all\"")
  }
  if (isNamed && placed.length === 0 && reading.findings.problems.length === 0) {
    reading.refuse([], "none of the lists of tasks holds one; add [[task]], or built-in-tasks = \"all\"")
  }
  return placed.map(({ task }) => task)
})

const tellRepeated = (placed: ReadonlyArray<PlacedTask>): void => {
  const first = new Map<string, PlacedTask>()
  for (const each of placed) {
    const before = first.get(each.task.id)
    if (before === undefined) first.set(each.task.id, each)
    else {
      each.reading.refuse(
        each.path,
        `another task is called "${each.task.id}" too (${
          before.reading.placeText(before.path)
        }); give one of them another id`
      )
    }
  }
}

const builtIn = (reading: Reading): ReadonlyArray<PlacedTask> => {
  const path = ["built-in-tasks"]
  const written = reading.at(path)
  const placed = (task: Task, at: ConfigPath): PlacedTask => ({ task, reading, path: at })
  if (written === undefined) return []
  if (written === "all") return demonstrationTasks.map((task) => placed(task, path))
  const known = demonstrationTasks.map(({ id }) => id)
  if (!Array.isArray(written)) {
    reading.refuse(path, `expected "all", or a list of ${known.join(", ")}`)
    return []
  }
  return written.flatMap((id: unknown, index) => {
    const task = demonstrationTasks.find((task) => task.id === id)
    if (task !== undefined) return [placed(task, [...path, index])]
    reading.refuse(
      [...path, index],
      `there is no built-in task ${JSON.stringify(id)}; did you mean ${nearestName(String(id), known)}? There are ${
        known.join(", ")
      }`
    )
    return []
  })
}

const readFolder = Effect.fnUntraced(function*(source: Source, name: string, path: ConfigPath) {
  const { files, folder, lookup, reading } = source
  const named = files.inside(folder, name)
  const names = yield* files.namesIn(named)
  if (Result.isFailure(names)) {
    reading.refuse(
      path,
      `${named.shown} cannot be read (${names.failure}); check its name, which is relative to this file`
    )
    return []
  }
  const read = yield* Effect.forEach(
    names.success.filter((name) => /\.(toml|json)$/.test(name)),
    (name) =>
      Effect.gen(function*() {
        const file = files.inside(named, name)
        const text = yield* files.text(file)
        if (Result.isFailure(text)) return reading.refuse(path, `${file.shown} cannot be read (${text.failure})`)
        const document = parseFile(file, text.success)
        if (Result.isFailure(document)) return tellSyntax(reading.findings, document.failure)
        return { file, document: document.success }
      })
  )
  const all = read.filter((each) => each !== undefined)
  const beside = new Set(
    all.flatMap(({ document }) => namedIn(document.value)).map((name) => files.inside(named, name).absolute)
  )
  const tasks = all.filter(({ file }) => !beside.has(file.absolute))
  if (read.length === 0) {
    reading.refuse(path, `there is no task in ${named.shown}: every .toml and .json file in it is one`)
  }
  return yield* Effect.forEach(tasks, ({ document, file }) => {
    const inner = fillVariables(document, lookup, () => false, reading.findings)
    return readTask({ ...source, reading: inner, folder: named }, [], files.stemOf(file))
  })
})

/** The files that a task has its prompt, its tests or its schema in: those are no tasks. */
const namedIn = (task: unknown): ReadonlyArray<string> =>
  [task, valueAt(task, ["grader"])].filter(isTable).flatMap((table) =>
    Object.entries(table).flatMap(([key, value]) => key.endsWith("-file") && typeof value === "string" ? [value] : [])
  )

/** The task in the table at a path, called `name` unless it says another; undefined if something is wrong with it. */
const readTask = Effect.fnUntraced(function*(source: Source, path: ConfigPath, name: string | undefined) {
  const { reading } = source
  const table = reading.decode<typeof taskFileTable.Type>(path, name === undefined ? taskTable : taskFileTable)
  const grader = reading.at([...path, "grader"]) === undefined
    ? undefined
    : yield* readGrader({ ...source, path: [...path, "grader"] })
  const prompt = yield* fileOf({ ...source, path }, "prompt", Object.keys(taskTable.fields))
  if (table === undefined || grader === undefined || prompt === undefined) return undefined
  const id = table.id ?? name!
  const task = checked(reading, path, {
    id,
    prompt: prompt === "inline" ? table.prompt : prompt.text,
    grader
  })
  return task === undefined
    ? undefined
    : { task, reading, path: table.id === undefined ? path : [...path, "id"] } satisfies PlacedTask as PlacedTask
})

const decodeTask = Schema.decodeUnknownResult(Task, { onExcessProperty: "error", errors: "all" })

/** A task that its own schema accepts; what it refuses is told at the key that it came from. */
const checked = (
  reading: Reading,
  path: ConfigPath,
  stored: { readonly id: string; readonly prompt: string | undefined; readonly grader: StoredGrader }
): Task | undefined => {
  const decoded = decodeTask(stored)
  if (Result.isSuccess(decoded)) return decoded.success
  for (const line of decoded.failure.message.split(/\n(?=\S)/)) {
    const [text, ...keys] = [line.replace(/\n\s*at .*$/s, ""), ...line.matchAll(/\["(\w+)"\]/g)]
    const key = keys.map(([, key]) => writtenKey(key!)).findLast((key) =>
      valueAt(reading.value, [...path, "grader", key]) !== undefined
    )
    const at = key === undefined ? path : [...path, "grader", key]
    const value = reading.at(at)
    const shown = typeof value === "string" ? `, not ${JSON.stringify(value)}` : ""
    reading.refuse(at, `${text.charAt(0).toLowerCase()}${text.slice(1)}${shown}`)
  }
  return undefined
}

/** What a key of a stored grader is called in a table. */
const writtenKey = (stored: string): string =>
  stored === "functionName" ? "function" : stored.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
