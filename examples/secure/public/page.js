// The page of the ship's log. The cookie is nothing that a script could read (http_only): the browser keeps it and
// sends it along, and whether somebody is logged in, only the server knows.
const at = id => document.getElementById(id)
const make = (tag, textContent) => Object.assign(document.createElement(tag), { textContent })
let source

function fail(message) { at("error").textContent = message }

// What people typed becomes a text node, never HTML.
function show({ name, text, time }) {
  const line = make("p", ""), log = at("log")
  const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 40
  const clock = new Date(time * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
  line.append(make("time", clock), " ", make("b", name), " ", text)
  log.append(line)
  if (follows) log.scrollTop = log.scrollHeight
}

// The log-in form, or what lies behind it.
function reveal(me) {
  at("login").hidden = !!me
  at("inside").hidden = !me
  at("state").textContent = ""
  source?.close()
  if (!me) return
  fail("")
  at("name").textContent = me.name
  at("log").replaceChildren()
  source = new EventSource("/private/log")
  source.onopen = () => { at("state").textContent = "connected" }
  source.onerror = () => {
    at("state").textContent = "reconnecting"
    // Refused for good, unlike a connection that is lost: the session is over.
    if (source.readyState === EventSource.CLOSED) enter("You are logged out.")
  }
  source.addEventListener("entry", event => show(JSON.parse(event.data)))
}

// Shows what the server thinks of us, and in front of the log-in form why it stands there.
async function enter(message = "") {
  try {
    const answer = await fetch("/private/me")
    reveal(answer.ok ? await answer.json() : undefined)
    if (!answer.ok) fail(answer.status === 401 ? message : `error ${answer.status}`)
  } catch (error) {
    fail(`The server does not answer: ${error.message}`)
  }
}

// Sends a form; true when the server took it.
async function post(path, form) {
  fail("")
  try {
    const answer = await fetch(path, { method: "POST", body: new URLSearchParams(form && new FormData(form)) })
    if (!answer.ok) fail((await answer.json()).error)
    return answer.ok
  } catch (error) {
    fail(`The server does not answer: ${error.message}`)
  }
}

at("login").onsubmit = async event => {
  event.preventDefault()
  const form = event.target
  if (!await post("/login", form)) return form.elements.password.select()
  form.reset()
  await enter()
}
at("write").onsubmit = async event => {
  event.preventDefault()
  const form = event.target
  if (await post("/private/log", form)) form.reset()
}
at("logout").onclick = async () => {
  if (await post("/logout")) reveal(undefined)
}
enter()
