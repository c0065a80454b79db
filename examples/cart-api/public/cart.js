const form = document.querySelector('form');
const status = document.querySelector('[role=status]');
const inputs = [...form.querySelectorAll('input')];

/** Calls the API with the session's cookie, which without `credentials` stays at home. */
async function call(method, path, body) {
  const json = body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(form.dataset.api + path, { method, credentials: 'include', ...json });
  if (!response.ok) throw new Error((await response.json()).error);
  return response.status === 204 ? undefined : response.json();
}

// The answer to the first change brings the cookie. What is sent before it has none, and would be another session.
let first;

function put(product, quantity) {
  const send = () => call('PUT', `/cart/${product}`, { quantity });
  const answer = first ? first.then(send, send) : send();
  first ??= answer;
  return answer;
}

async function show() {
  const cart = await call('GET', '/cart');
  for (const input of inputs) {
    input.value = cart[input.name] ?? 0;
    input.readOnly = false;
  }
}

/** Says what is stored by now, or what went wrong. */
async function report(work) {
  status.textContent = '';
  try {
    status.textContent = await work();
  } catch (error) {
    status.textContent = `That didn’t work: ${error.message}`;
  }
}

form.addEventListener('submit', (event) => event.preventDefault());
form.addEventListener('change', ({ target }) =>
  report(async () => {
    if (!target.reportValidity()) return '';
    // One change of a line at a time; those of several lines run in parallel.
    target.readOnly = true;
    try {
      const { product, quantity } = await put(target.name, target.valueAsNumber);
      return `Saved: ${quantity} ${product}`;
    } finally {
      target.readOnly = false;
    }
  }),
);
form.querySelector('button').addEventListener('click', () =>
  report(async () => {
    await call('DELETE', '/cart');
    first = undefined;
    await show();
    return 'Forgotten';
  }),
);
report(async () => {
  await show();
  return 'Ready';
});
