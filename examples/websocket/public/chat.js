const SIGNED_OUT = 4401;
const form = document.querySelector('#say');
const status = document.querySelector('[role=status]');
const messages = document.querySelector('ol');

function connect() {
  const socket = new WebSocket(location.origin.replace(/^http/, 'ws'));
  socket.onopen = () => {
    status.textContent = 'Connected';
  };
  socket.onmessage = ({ data }) => {
    const { name, text } = JSON.parse(data);
    const line = document.createElement('li');
    line.textContent = `${name}: ${text}`;
    messages.append(line);
  };
  socket.onclose = ({ code }) => {
    // Signed out in another tab: the page asks who it is now.
    if (code === SIGNED_OUT) return location.reload();
    status.textContent = 'Not connected. Trying again …';
    setTimeout(comeBack, 2000);
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    if (socket.readyState !== WebSocket.OPEN) return;
    socket.send(form.elements.text.value);
    form.reset();
  };
}

/** A browser doesn't tell a socket that was refused from a server that is away. The page does: it is the chat, or the sign-in. */
async function comeBack() {
  const answer = await fetch('/').catch(() => undefined);
  if (answer?.ok) location.reload();
  else setTimeout(comeBack, 2000);
}

connect();
