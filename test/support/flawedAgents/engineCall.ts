// @effect-diagnostics globalFetch:off
/**
 * One call of an OpenAI-compatible engine, as agents make it that know nothing of us: streamed or whole. Plain promises,
 * because the fixture agents also run in threads of their own.
 */

export interface EngineAddress {
  /** With its `/v1`. */
  readonly engineBaseUrl: string
  readonly model: string
}

export interface ChatMessage {
  readonly role: "user" | "assistant"
  readonly content: string
}

export interface EngineCall extends EngineAddress {
  readonly messages: ReadonlyArray<ChatMessage>
  readonly signal?: AbortSignal | undefined
}

const call = ({ engineBaseUrl, messages, model, signal }: EngineCall, stream: boolean): Promise<Response> =>
  fetch(`${engineBaseUrl}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, messages, stream, max_tokens: 4096 }),
    signal: signal ?? null
  })

/** The text of the answer, piece by piece. */
export async function* streamed(options: EngineCall): AsyncGenerator<string> {
  const response = await call(options, true)
  if (!response.ok || response.body === null) throw new Error(`the engine answered ${response.status}`)
  const decoder = new TextDecoder()
  let rest = ""
  for await (const bytes of response.body) {
    rest += decoder.decode(bytes, { stream: true })
    for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
      const data = rest.slice(0, end).replace(/^data: /, "")
      rest = rest.slice(end + 2)
      if (data.startsWith(":") || data === "[DONE]") continue
      const text: unknown = JSON.parse(data).choices?.[0]?.delta?.content
      if (typeof text === "string" && text !== "") yield text
    }
  }
}

/** The whole answer at once. */
export const whole = async (options: EngineCall): Promise<string> => {
  const response = await call(options, false)
  if (!response.ok) throw new Error(`the engine answered ${response.status}`)
  const body: any = await response.json()
  return body.choices[0].message.content
}
