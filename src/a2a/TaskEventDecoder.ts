/**
 * Task events out of what an agent streams over A2A.
 *
 * Law: of an agent that speaks the token extension, `decode` after `encode` gives back any stream of task events, one for
 * one. Of others it makes the best: text that is new is a delta of one token, whatever the agent repeats counts once and
 * is no event, or a bare state where it repeats its status.
 *
 * Law: of others, too, the text that is left at the end is that of all artifacts, in the order in which they began,
 * however their pieces were mixed and whether they came in updates or in snapshots.
 *
 * Law: a stream that was cut, and goes on with a snapshot and what comes after it, has the same text per channel and the
 * same tokens as the one that was not cut. What a snapshot cannot tell is lost: pieces of tool calls (their tokens are
 * counted), signals, heartbeats, and log lines but the last; why the answer ended and its usage come from the summary.
 *
 * A decoder belongs to one task and remembers what was said, which tells a repetition from a replacement. The cost per
 * event does not depend on the length of the answer; that of a snapshot does.
 */
import type { Artifact as WireArtifact, Part, StreamResponse, Task, TaskStatus } from "@a2a-js/sdk"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import { type Channel, Delta, Finish, tokensOf, Usage } from "../token/TokenEvent.ts"
import { Artifact, Ended, isTokenEvent, type OpenState, Replaced, Status, type TaskEvent } from "./TaskEvent.ts"
import { generationOf, snapshotOf, summaryOf } from "./TaskSnapshotMetadata.ts"
import { decodeEvent, TOKEN_EXTENSION_URI } from "./TokenExtension.ts"
import { ANSWER_ARTIFACT_ID, fromTaskState, isFinalState, REASONING_ARTIFACT_ID, textOf } from "./WireTask.ts"

type Metadata = Readonly<Record<string, unknown>> | undefined

/** What an artifact has said that is none of ours. */
interface Said {
  /** Its place among the artifacts, by when it began. */
  readonly place: number
  text: string
  data: ReadonlyArray<Schema.Json>
  /** Of each of the data. */
  json: ReadonlyArray<string>
}

/** Makes the decoder of one task. */
export const makeDecoder = () => {
  let taskId: string | undefined
  /** The number of the last event; it only grows. */
  let generation = -1
  /** Whether an event told that the agent speaks the token extension. */
  let exact = false
  /** What was said on the channels. */
  const channels: Record<Channel, string> = { content: "", reasoning: "" }
  /** What artifacts have said without the extension, by artifact. */
  const said = new Map<string, Said>()
  /** The place of the last artifact that has text. */
  let lastPlace = -1
  /** Whether an artifact has said more after a later one, so that the deltas are not in the order of the answer. */
  let isMixed = false
  /** Whether text came that no extension counted. */
  let hasPieces = false
  /** The whole artifacts with the extension, as JSON, by artifact. */
  const artifacts = new Map<string, string>()
  /** The last status that was told; its text is the last that was not empty. */
  let lastState: OpenState | undefined
  let lastText = ""
  let tokens = 0
  /** Whether a snapshot stood for events that never came. */
  let hasMissed = false
  let hasFinish = false
  let hasUsage = false

  const saidBy = (artifactId: string): Said => {
    const known = said.get(artifactId)
    if (known !== undefined) return known
    const text = artifactId === ANSWER_ARTIFACT_ID ? channels.content : ""
    const fresh: Said = { place: said.size, text, data: [], json: [] }
    if (text !== "") lastPlace = fresh.place
    said.set(artifactId, fresh)
    return fresh
  }

  /** The text of all artifacts, in their order. */
  const answer = () => {
    const texts = Array.from(said, ([id, { text }]) => id === ANSWER_ARTIFACT_ID ? channels.content : text)
    return (said.has(ANSWER_ARTIFACT_ID) ? texts : [channels.content, ...texts]).join("")
  }

  const foreignText = (artifactId: string, text: string, append: boolean): ReadonlyArray<TaskEvent> => {
    const entry = saidBy(artifactId)
    const known = artifactId === ANSWER_ARTIFACT_ID ? channels.content : entry.text
    const whole = append ? known + text : text
    entry.text = whole
    if (artifactId === ANSWER_ARTIFACT_ID) channels.content = whole
    // An artifact sent again as a whole repeats what is known; only what is new in it counts.
    const news = append ? text : text.startsWith(known) ? text.slice(known.length) : undefined
    if (news === "") return []
    hasPieces = true
    if (news === undefined) {
      isMixed = false
      return [Replaced.make({ text: answer() })]
    }
    if (entry.place < lastPlace) isMixed = true
    lastPlace = Math.max(lastPlace, entry.place)
    return [Delta.make({ channel: "content", text: news, tokens: 1 })]
  }

  /** The artifact with all its data, if there are new ones. */
  const foreignData = (
    { artifactId = "", name = "", parts }: WireArtifact,
    append: boolean
  ): ReadonlyArray<TaskEvent> => {
    const data = parts.flatMap((part) => part.content?.$case === "data" ? [dataOf(part)] : [])
    if (data.length === 0) return []
    const entry = saidBy(artifactId)
    const json = data.map((each) => JSON.stringify(each))
    const isKnown = !append && json.length === entry.json.length && json.every((each, n) => each === entry.json[n])
    if (isKnown) return []
    entry.data = append ? [...entry.data, ...data] : data
    entry.json = append ? [...entry.json, ...json] : json
    return [Artifact.make({ artifactId, name, parts: entry.data.map((data) => ({ _tag: "Data" as const, data })) })]
  }

  const foreignArtifact = (artifact: WireArtifact, append: boolean): ReadonlyArray<TaskEvent> => [
    ...foreignText(artifact.artifactId, textOf(artifact.parts), append),
    ...foreignData(artifact, append)
  ]

  /** The status in an update: one that only repeats is a bare state, which is the transport's life and nobody else's. */
  const foreignStatus = (status: TaskStatus | undefined): ReadonlyArray<TaskEvent> => {
    const event = readStatus(status)
    return event?._tag === "Status" && !isNews(event) ? [{ ...event, text: "" }] : foreignEnd(event)
  }

  const foreignEnd = (event: TaskEvent | undefined): ReadonlyArray<TaskEvent> => {
    if (event === undefined) return []
    return event._tag === "Ended" && isMixed ? [Replaced.make({ text: answer() }), event] : [event]
  }

  /** The status of a whole task: its end counts, and what is new. */
  const statusOfTask = (status: TaskStatus | undefined): TaskEvent | undefined => {
    const event = readStatus(status)
    return event?._tag === "Status" && !isNews(event) ? undefined : event
  }

  const isNews = ({ state, text }: { readonly state: string; readonly text: string }) =>
    state !== lastState || (text !== "" && text !== lastText)

  /** The artifact, unless it is known. */
  const unlessKnown = (artifact: Artifact): ReadonlyArray<Artifact> => {
    const json = JSON.stringify(artifact)
    if (artifacts.get(artifact.artifactId) === json) return []
    artifacts.set(artifact.artifactId, json)
    return [artifact]
  }

  /** What a task says as a whole that was not said yet. */
  const task = (task: Task): ReadonlyArray<TaskEvent> => {
    taskId = task.id
    const snapshot = snapshotOf(task.metadata)
    if (snapshot === undefined && !exact) {
      return [
        ...task.artifacts.flatMap((artifact) => foreignArtifact(artifact, false)),
        ...foreignEnd(statusOfTask(task.status))
      ]
    }
    if (snapshot !== undefined) {
      exact = true
      if (snapshot.generation <= generation) return []
      if (snapshot.generation > 0) hasMissed = true
      generation = snapshot.generation
    }
    const textOfArtifact = (artifactId: string) =>
      textOf(task.artifacts.find((artifact) => artifact.artifactId === artifactId)?.parts ?? [])
    const texts = missing("reasoning", textOfArtifact(REASONING_ARTIFACT_ID)).concat(
      missing("content", textOfArtifact(ANSWER_ARTIFACT_ID))
    )
    const counted = snapshot === undefined ? Math.min(1, texts.length) : Math.max(0, snapshot.tokens - tokens)
    const status = statusOfTask(task.status)
    // The state before the first event is no news.
    const isNothing = status?._tag === "Status" && status.text === "" && (status.state === "submitted" || !hasMissed)
    const encoded = snapshot?.ended
    const ended = encoded === undefined ? undefined : Result.getOrUndefined(decodeEvent(encoded))
    return [
      ...withTokens(texts, counted),
      ...task.artifacts.filter(({ artifactId }) => !isChannel(artifactId)).map(wholeArtifact).flatMap(unlessKnown),
      ...(ended?._tag === "Ended"
        ? end(ended, { [TOKEN_EXTENSION_URI]: encoded })
        : status === undefined || isNothing
        ? []
        : [status])
    ]
  }

  const missing = (channel: Channel, text: string): ReadonlyArray<TaskEvent> => {
    const known = channels[channel]
    channels[channel] = text
    if (text === known) return []
    if (channel === "content" && !text.startsWith(known)) return [Replaced.make({ text })]
    return [Delta.make({ channel, text: text.slice(known.length), tokens: 0 })]
  }

  /** The end, after what a reader that missed events would not know. */
  const end = (ended: Ended, metadata: Metadata): ReadonlyArray<TaskEvent> => {
    const summary = hasMissed ? summaryOf(metadata) : undefined
    if (summary === undefined) return [ended]
    const { finishReason, usage } = summary
    return [
      ...(hasFinish || finishReason === null ? [] : [Finish.make({ reason: finishReason })]),
      ...(hasUsage || usage === null ? [] : [Usage.make(usage)]),
      ended
    ]
  }

  const update = (
    metadata: Metadata,
    parts: ReadonlyArray<Part>,
    foreign: () => ReadonlyArray<TaskEvent>
  ): ReadonlyArray<TaskEvent> => {
    const number = generationOf(metadata)
    if (number !== undefined) {
      if (number <= generation) return []
      generation = number
    }
    const event = exactEvent(metadata, parts)
    if (event === undefined) return foreign()
    exact = true
    if (event._tag === "Delta") channels[event.channel] += event.text
    else if (event._tag === "Replaced") channels.content = event.text
    else if (event._tag === "Artifact") unlessKnown(event)
    return event._tag === "Ended" ? end(event, metadata) : [event]
  }

  const read = ({ payload }: StreamResponse): ReadonlyArray<TaskEvent> => {
    switch (payload?.$case) {
      case undefined:
        return []
      case "task":
        return task(payload.value)
      case "message":
        hasPieces = true
        return [
          Delta.make({ channel: "content", text: textOf(payload.value.parts), tokens: 1 }),
          Finish.make({ reason: "message" }),
          Ended.make({ state: "completed", text: "", error: null })
        ]
      case "statusUpdate": {
        const { metadata, status, taskId: id } = payload.value
        taskId = id || taskId
        return update(metadata, [], () => foreignStatus(status))
      }
      case "artifactUpdate": {
        const { append, artifact, metadata, taskId: id } = payload.value
        taskId = id || taskId
        if (artifact === undefined) return []
        return update(metadata, artifact.parts, () => foreignArtifact(artifact, append))
      }
    }
  }

  const note = (event: TaskEvent): void => {
    if (isTokenEvent(event)) {
      tokens += tokensOf(event)
      if (event._tag === "Finish") hasFinish = true
      else if (event._tag === "Usage") hasUsage = true
    } else if (event._tag === "Status") {
      lastState = event.state
      lastText = event.text || lastText
    }
  }

  const decode = (response: StreamResponse): ReadonlyArray<TaskEvent> => {
    const events = read(response)
    for (const event of events) note(event)
    return events
  }

  return {
    decode,
    taskId: () => taskId,
    /** Whether tokens are told one for one; undefined until something has shown it. */
    isExact: () => exact ? true : hasPieces ? false : undefined,
    /** The state that was told last, and the last text of a status that had one. */
    lastStatus: () => ({ state: lastState, text: lastText })
  }
}

/** The status in words of ours; undefined if there is none, or one of a later version. */
const readStatus = (status: TaskStatus | undefined) => {
  const state = status === undefined ? undefined : fromTaskState(status.state)
  if (state === undefined) return undefined
  const text = textOf(status?.message?.parts ?? [])
  return isFinalState(state) ? Ended.make({ state, text, error: null }) : Status.make({ state, text })
}

const isChannel = (artifactId: string): boolean =>
  artifactId === ANSWER_ARTIFACT_ID || artifactId === REASONING_ARTIFACT_ID

/** The tokens that are missing, on the first of the missing texts. */
const withTokens = (events: ReadonlyArray<TaskEvent>, tokens: number): ReadonlyArray<TaskEvent> => {
  if (tokens === 0) return events
  const index = events.findIndex((event) => event._tag === "Delta")
  const first = events[index]
  return first?._tag === "Delta"
    ? events.with(index, { ...first, tokens })
    : [...events, Delta.make({ channel: "content", text: "", tokens })]
}

const dataOf = (part: Part): Schema.Json =>
  (part.content?.$case === "data" ? part.content.value ?? null : null) as Schema.Json

/** An artifact that is no channel, as an agent of ours has it. The SDK reads data that is null as no content. */
const wholeArtifact = ({ artifactId, name, parts }: WireArtifact): Artifact =>
  Artifact.make({
    artifactId,
    name,
    parts: parts.map((part) =>
      part.content?.$case === "text"
        ? { _tag: "Text" as const, text: textOf([part]) }
        : { _tag: "Data" as const, data: dataOf(part) }
    )
  })

/** The event under the extension's key, with the text that the update's parts carry. */
const exactEvent = (metadata: Metadata, parts: ReadonlyArray<Part>): TaskEvent | undefined => {
  const encoded = metadata?.[TOKEN_EXTENSION_URI]
  if (typeof encoded !== "object" || encoded === null || !("_tag" in encoded)) return undefined
  const carriesText = encoded._tag === "Delta" || encoded._tag === "Replaced"
  return Result.getOrUndefined(decodeEvent(carriesText ? { ...encoded, text: textOf(parts) } : encoded))
}
