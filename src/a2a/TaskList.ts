/**
 * One page of an agent's tasks, the latest status first.
 *
 * A page token names the task that a page ended with, by the time of its status and its id, so tasks that come or change
 * while somebody pages move nobody else's place.
 */
import type { FinalState, OpenState } from "./TaskEvent.ts"
import type { TaskLog } from "./TaskLog.ts"

export interface TaskQuery {
  /** Empty: any. */
  readonly contextId: string
  readonly state: OpenState | FinalState | undefined
  /** ISO 8601; tasks whose status is as old or younger. */
  readonly statusTimestampAfter: string | undefined
  /** 1 to 100; 50 unless given. */
  readonly pageSize: number | undefined
  /** Empty: the first page. */
  readonly pageToken: string
}

export interface TaskPage {
  readonly logs: ReadonlyArray<TaskLog>
  /** Empty after the last page. */
  readonly nextPageToken: string
  readonly pageSize: number
  /** Of all pages. */
  readonly totalSize: number
}

/** Sorts by time, then by id, both descending. */
interface Key {
  readonly statusAt: number
  readonly taskId: string
}

/** The page, or nothing if its token is none of ours. */
export const page = (logs: ReadonlyArray<TaskLog>, query: TaskQuery): TaskPage | undefined => {
  const after = query.pageToken === "" ? undefined : fromToken(query.pageToken)
  if (query.pageToken !== "" && after === undefined) return undefined
  const since = query.statusTimestampAfter === undefined ? -Infinity : Date.parse(query.statusTimestampAfter)
  const pageSize = Math.min(Math.max(query.pageSize ?? 50, 1), 100)
  const matching = logs
    .filter((log) =>
      (query.contextId === "" || log.contextId === query.contextId) &&
      (query.state === undefined || log.state === query.state)
    )
    .map((log) => ({ log, taskId: log.taskId, statusAt: log.snapshot.statusAt }))
    .filter(({ statusAt }) => statusAt >= since)
    .toSorted(latestFirst)
  const rest = after === undefined ? matching : matching.filter((entry) => latestFirst(entry, after) > 0)
  const taken = rest.slice(0, pageSize)
  const last = taken.at(-1)
  return {
    logs: taken.map(({ log }) => log),
    nextPageToken: last !== undefined && rest.length > taken.length ? toToken(last) : "",
    pageSize,
    totalSize: matching.length
  }
}

const latestFirst = (left: Key, right: Key): number =>
  right.statusAt - left.statusAt || (left.taskId < right.taskId ? 1 : left.taskId > right.taskId ? -1 : 0)

const toToken = ({ statusAt, taskId }: Key): string => Buffer.from(`${statusAt} ${taskId}`).toString("base64url")

const fromToken = (token: string): Key | undefined => {
  const match = /^(\d+) (.+)$/.exec(Buffer.from(token, "base64url").toString())
  return match === null ? undefined : { statusAt: Number(match[1]), taskId: match[2]! }
}
