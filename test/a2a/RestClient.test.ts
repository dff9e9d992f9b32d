/** The HTTP+JSON binding as the SDK's own client speaks it: requests of its making, answers and errors it can read. */
import { Role, TaskState } from "@a2a-js/sdk"
import { ClientFactory, RestTransportFactory } from "@a2a-js/sdk/client"
import { RequestMalformedError, TaskNotFoundError, UnsupportedOperationError } from "@a2a-js/sdk/errors"
import type { A2ARequestHandler } from "@a2a-js/sdk/server"
import { assert, describe, it } from "@effect/vitest"
import * as AgentCard from "../../src/a2a/AgentCard.ts"
import * as RestDispatch from "../../src/a2a/RestDispatch.ts"

const card = AgentCard.make({
  name: "n",
  description: "d",
  version: "1",
  skill: { id: "s", name: "s", description: "d", tags: ["t"] }
}, "http://localhost/")

const task = (id: string) => ({
  id,
  contextId: "c",
  status: { state: TaskState.TASK_STATE_COMPLETED, message: undefined, timestamp: undefined },
  artifacts: [],
  history: [],
  metadata: undefined
})

const handler = {
  sendMessage: () => Promise.resolve(task("sent")),
  async *sendMessageStream() {
    yield { payload: { $case: "task", value: task("streamed") } }
  },
  async *resubscribe() {
    throw new UnsupportedOperationError("Task 1 is over.")
  },
  getTask: ({ id }) => id === "no" ? Promise.reject(new TaskNotFoundError("No task no.")) : Promise.resolve(task(id)),
  cancelTask: ({ id }) => Promise.resolve(task(id)),
  listTasks: () => Promise.resolve({ tasks: [task("1")], nextPageToken: "", pageSize: 1, totalSize: 1 })
} as Partial<A2ARequestHandler> as A2ARequestHandler

const dispatch = RestDispatch.make(card, handler)

const fetchImpl: typeof fetch = async (input, init) => {
  const { pathname, searchParams } = new URL(String(input))
  const answer = await dispatch({
    method: init?.method ?? "GET",
    path: pathname,
    query: searchParams,
    body: String(init?.body ?? ""),
    headers: Object.fromEntries(new Headers(init?.headers)),
    signal: new AbortController().signal
  })
  return answer._tag === "Json"
    ? Response.json(answer.json, { status: answer.status, headers: { "content-type": answer.contentType } })
    : new Response(`data: ${JSON.stringify(answer.first)}\n\n`, { headers: { "content-type": "text/event-stream" } })
}

const message = {
  tenant: "",
  message: {
    messageId: "m",
    contextId: "",
    taskId: "",
    role: Role.ROLE_USER,
    parts: [{ content: { $case: "text" as const, value: "hi" }, metadata: undefined, filename: "", mediaType: "" }],
    metadata: undefined,
    extensions: [],
    referenceTaskIds: []
  },
  configuration: undefined,
  metadata: undefined
}

const collect = async <A>(events: AsyncIterable<A>): Promise<ReadonlyArray<A>> => {
  const all: Array<A> = []
  for await (const event of events) all.push(event)
  return all
}

const rejection = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => undefined, (error) => error)

describe("the SDK's client over HTTP+JSON", () => {
  it("chooses the interface from the card, and every call comes through", async () => {
    const client = await new ClientFactory({ transports: [new RestTransportFactory({ fetchImpl })] })
      .createFromAgentCard(card)
    assert.deepInclude(await client.sendMessage(message), { id: "sent" })
    const streamed = await collect(client.sendMessageStream(message))
    assert.deepInclude(streamed[0]?.payload?.value, { id: "streamed" })
    assert.deepInclude(await client.getTask({ tenant: "acme", id: "a/b c" }), { id: "a/b c" })
    assert.deepInclude(await client.cancelTask({ tenant: "", id: "x:y", metadata: undefined }), { id: "x:y" })
    const list = { tenant: "", contextId: "", status: 0, pageToken: "", statusTimestampAfter: undefined }
    assert.lengthOf((await client.listTasks({ ...list, pageSize: 1 })).tasks, 1)

    const missing = await rejection(client.getTask({ tenant: "", id: "no" }))
    assert.instanceOf(missing, TaskNotFoundError)
    assert.strictEqual((missing as Error).message, "No task no.")
    assert.instanceOf(await rejection(client.listTasks({ ...list, pageSize: 0 })), RequestMalformedError)
    const over = await rejection(collect(client.resubscribeTask({ tenant: "", id: "1" })))
    assert.match(String(over), /Task 1 is over/)
  })
})
