/**
 * The openai package in a plain async program, guarded: a slow answer is waited for, a hung one is given up, with proof.
 *
 *     node --conditions=a2a-campaign-source examples/openaiGuard.ts
 *
 * The limits are far shorter than anybody would want them, so that nobody has to wait for a minute.
 */
import { chatCompletionChunks, guard, isRetryable, StalledError } from "a2a-campaign/AsyncGuard"
import { Simulator } from "a2a-campaign/Simulator"
import * as ManagedRuntime from "effect/ManagedRuntime"
import OpenAI from "openai"

/** An engine of your own stands here. The first prompt takes this one a second to read; its second answer hangs. */
const simulator = ManagedRuntime.make(Simulator.layer({
  host: "127.0.0.1",
  port: 0,
  timeToFirstTokenMillis: 20,
  interTokenMillis: 5,
  faults: ["long-prefill:seconds=1,request=1", "engine-hang:after-tokens=5,request=2"]
}))
const { url } = await simulator.runPromise(Simulator)

const engine = `${url}/v1`
// The package's own limit ends what is slow, and its own retries hide what the engine says.
const client = new OpenAI({ baseURL: engine, apiKey: "none", timeout: 2 ** 31 - 1, maxRetries: 0 })

const ask = async (question: string) => {
  const chunks = guard(
    (signal) =>
      client.chat.completions.create({
        model: "simulated-model",
        messages: [{ role: "user", content: question }],
        stream: true
      }, { signal }),
    {
      classify: chatCompletionChunks,
      // Without it only silence tells, and its limit is long.
      engine: { baseUrl: engine, scrapeMillis: 50, suspectScrapeMillis: 50 },
      onVerdict: (verdict) => {
        if (verdict._tag === "Slow") console.log(`slow: ${verdict.reason}`)
      },
      policy: { limits: { tickMillis: 50, suspectFloorMillis: 200, suspectPriorMillis: 200, frozenFloorMillis: 400 } }
    }
  )
  let text = ""
  for await (const chunk of chunks) text += chunk.choices[0]?.delta.content ?? ""
  return text
}

for (const question of ["Write runLengthEncode(text) in JavaScript.", "And now in Python."]) {
  try {
    const text = await ask(question)
    console.log(`a whole answer of ${text.length} characters`)
  } catch (error) {
    if (!(error instanceof StalledError)) throw error
    console.log(`${error.name} ${error.kind}, ${error.confidence} after ${error.tokens} tokens: ${error.proof}`)
    console.log(isRetryable(error) ? "it may be asked again" : "it is not worth asking again")
  }
}

await simulator.dispose()
