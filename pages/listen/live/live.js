// Live in the browser: the microphone's samples go to engine.js, in an AudioWorklet and a worker; what comes back is drawn here.
// Streamlit calls the default function when it is mounted and whenever its data or theme change; the data are those of `show` in
// __init__.py.

const MINUTE = 60, LOWEST_DB = -60; // of the level meter
const SPEAK_SECONDS = 5; // between two sentences for screen readers
const OTHERWISE = 'Upload a song, or open an example.';

const views = new WeakMap();

export default function ({ data: [data], parentElement, setTriggerValue }) {
  const root = parentElement.querySelector('.live');
  if (!views.has(root)) views.set(root, new Live(root));
  const view = views.get(root);
  view.update(data, () => setTriggerValue('record', true));
  return () => view.close();
}

function percent(p) {
  if (p > 0 && p < 0.01) return '<1%';
  return p > 0.99 && p < 1 ? '>99%' : `${Math.round(100 * p)}%`;
}

function element(tag, parent, { text = '', className = '' } = {}) {
  const made = Object.assign(document.createElement(tag), { textContent: text, className });
  parent.append(made);
  return made;
}

/** A file's address as the page's server has it, also where the app lives below a path. */
function address(url) {
  return new URL(`.${url}`, document.baseURI).href;
}

/** Why this browser cannot do it, and whether it could record; empty where it can. */
function obstacle() {
  if (!window.isSecureContext) return [`Browsers give the microphone only to pages over https or on the same computer. ${OTHERWISE}`, false];
  if (!navigator.mediaDevices?.getUserMedia) return [`This browser gives pages no microphone. ${OTHERWISE}`, false];
  if (!window.WebAssembly || !window.AudioWorkletNode || !window.DecompressionStream) {
    return ['This browser cannot run the networks (no WebAssembly, AudioWorklet or DecompressionStream). Record instead.', true];
  }
  return [];
}

const REFUSALS = {
  NotAllowedError: 'The microphone is blocked for this page. Allow it beside the address, then press Start again.',
  NotFoundError: `There is no microphone. ${OTHERWISE}`,
  NotReadableError: 'The microphone cannot be read. Close other programs that use it, then press Start again.',
};

class Live {
  constructor(root) {
    this.root = root;
    for (const name of ['toggle', 'level', 'state', 'record', 'failed', 'body', 'tasks', 'minute', 'spectrogram', 'timelines', 'note']) {
      this[name] = root.querySelector(`.${name}`);
    }
    this.spoken = root.querySelector('[aria-live]');
    this.toggle.onclick = () => (this.running ? this.stop() : this.start());
    this.record.onclick = () => this.askToRecord();
  }

  update(data, askToRecord) {
    this.askToRecord = askToRecord;
    if (JSON.stringify(data) === this.told) return;
    this.close();
    Object.assign(this, { data, told: JSON.stringify(data) });
    this.palette = Uint8Array.from(atob(data.palette), (c) => c.charCodeAt(0));
    this.note.textContent = `The networks run in your browser: no sound leaves this computer. The first start loads ${
      data.megabytes} MB from this app. Any sound gets a genre and a mood, speech too.`;
    this.tasks.replaceChildren();
    this.timelines.replaceChildren();
    this.rows = data.networks.map(({ title, classes }) => {
      const task = element('div', this.tasks, { className: 'task' }), answer = element('div', task);
      const head = element('h4', answer), top = element('p', answer, { className: 'top' });
      const bars = element('ul', task, { className: 'bars' });
      element('h4', this.timelines, { text: title });
      return {
        head,
        top,
        timeline: element('canvas', this.timelines, { className: 'timeline' }),
        bars: classes.map(([name, colour]) => {
          const row = element('li', bars);
          element('span', row, { text: name });
          const bar = element('i', element('div', row, { className: 'track' }));
          bar.style.background = colour;
          return { bar, value: element('span', row) };
        }),
      };
    });
    this.clear();
    this.fail(...obstacle());
  }

  clear() {
    const { frontEnd, edges } = this.data.networks[0];
    this.spectrogram.width = Math.round(MINUTE * frontEnd.sample_rate / frontEnd.hop_length);
    this.spectrogram.height = edges.length - 2;
    this.history = [];
    this.show(null);
    this.draw();
  }

  fail(sentence = '', record = false) {
    this.failed.textContent = sentence;
    this.failed.hidden = !sentence;
    this.record.hidden = !record;
    if (sentence) this.stop(record);
  }

  async start() {
    const run = this.running = {}; // what `stop` has to end
    this.fail(...obstacle());
    if (this.running !== run) return;
    this.toggle.textContent = 'Stop';
    this.say('Waiting for the microphone…');
    try {
      // What calls are improved by would be missing from music.
      const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      run.stream = await navigator.mediaDevices.getUserMedia({ audio });
      run.stream.getTracks().forEach((track) => { track.onended = () => this.fail('The microphone has gone. Connect it, then press Start again.'); });
      run.context = new AudioContext();
      const engine = address(this.data.urls.engine);
      await run.context.audioWorklet.addModule(engine);
      if (this.running !== run) return this.end(run); // stopped meanwhile
      const { port1, port2 } = new MessageChannel(), { runtime, wasm, models } = this.data.urls;
      const node = new AudioWorkletNode(run.context, 'microphone');
      node.port.postMessage(port1, [port1]);
      if (!this.worker) {
        this.worker = new Worker(engine, { type: 'module' });
        this.worker.onmessage = ({ data }) => this.running && this[data.kind](data);
        this.worker.onerror = () => this.broken({});
        this.say('Loading the networks…');
      }
      const urls = { runtime: address(runtime), wasm: address(wasm), models: models.map(address) };
      this.worker.postMessage({ ...this.data, rate: run.context.sampleRate, urls, port: port2 }, [port2]);
      run.context.createMediaStreamSource(run.stream).connect(node).connect(run.context.destination); // which gets silence
      this.body.hidden = false;
      this.clear();
    } catch (error) {
      if (this.running === run) this.fail(REFUSALS[error.name] ?? `The microphone did not start (${error.message}). ${OTHERWISE}`);
      this.end(run);
    }
  }

  stop(record = true) {
    const run = this.running;
    this.running = null;
    if (!run) return;
    this.end(run);
    this.toggle.textContent = 'Start';
    this.say('');
    this.meter(0);
    this.record.hidden = !record;
  }

  end({ stream, context }) {
    stream?.getTracks().forEach((track) => { track.onended = null; track.stop(); });
    if (context?.state !== 'closed') context?.close();
  }

  /** Stop, and forget the networks. */
  close() {
    this.stop();
    this.worker?.terminate();
    this.worker = null;
  }

  // Messages of engine.js.

  broken({ error = '' }) {
    console.warn('Live:', error);
    this.close();
    this.fail('The networks could not be loaded or run here. Press Start again, or Record instead.', true);
  }

  sound({ peak, columns }) {
    this.meter(peak);
    if (!columns.length) return;
    const { width, height } = this.spectrogram, canvas = this.spectrogram.getContext('2d');
    const image = canvas.createImageData(columns.length, height);
    columns.forEach((levels, x) => levels.forEach((level, band) => {
      const place = 4 * ((height - 1 - band) * columns.length + x);
      image.data.set([...this.palette.subarray(3 * level, 3 * level + 3), 255], place);
    }));
    canvas.drawImage(this.spectrogram, -columns.length, 0);
    canvas.putImageData(image, width - columns.length, 0);
  }

  prediction({ outputs, time, seconds, silent, ms }) {
    const segment = Math.max(...this.data.networks.map(({ width, frontEnd }) => width * frontEnd.hop_length / frontEnd.sample_rate));
    const full = seconds > segment - 0.2;
    this.say(silent ? 'No sound' : full ? 'Listening' : `Listening: ${Math.floor(seconds)} of ${Math.round(segment)} s`);
    this.history = [...this.history.filter((each) => each.time > time - MINUTE - 2), { time, outputs }];
    this.root.dataset.ms = ms.toFixed(1);
    this.show(outputs, silent);
    this.draw();
  }

  meter(peak) {
    const db = 20 * Math.log10(peak);
    this.level.firstChild.style.transform = `scaleX(${Math.min(1, Math.max(0, 1 - db / LOWEST_DB))})`;
  }

  say(text) {
    if (this.state.textContent !== text) this.state.textContent = text;
  }

  /** Probabilities now, or none. */
  show(outputs, silent = false) {
    const sentence = this.data.networks.map(({ title, classes }, n) => {
      const { head, top, bars } = this.rows[n], probabilities = outputs?.[n];
      bars.forEach(({ bar, value }, k) => {
        bar.style.transform = `scaleX(${probabilities?.[k] ?? 0})`;
        value.textContent = probabilities ? percent(probabilities[k]) : '';
      });
      const most = Math.max(...(probabilities ?? [1])), unsure = most < this.data.sure;
      head.textContent = unsure ? `${title} · unsure` : title;
      top.classList.toggle('waiting', !probabilities);
      if (!probabilities) {
        top.textContent = silent ? 'No sound' : 'Play some music…';
        return '';
      }
      const [name, colour] = classes[probabilities.indexOf(most)];
      top.replaceChildren();
      element('i', top).style.background = colour;
      element('span', top, { text: name });
      element('b', top, { text: percent(most) });
      return `${title}: ${name}${unsure ? ', unsure' : ''}`;
    }).join('; ');
    const now = performance.now() / 1000;
    if (!outputs || sentence === this.sentence || now < this.spokenAt + SPEAK_SECONDS) return;
    Object.assign(this, { sentence, spokenAt: now });
    this.spoken.textContent = sentence;
    this.minute.ariaLabel = `The last minute: spectrogram, genre and mood over time. Now ${sentence}.`;
  }

  /** The timelines: each prediction stands where its sound ends. */
  draw() {
    const now = this.history.at(-1)?.time ?? 0;
    this.rows.forEach(({ timeline }, n) => {
      const scale = devicePixelRatio, width = timeline.clientWidth * scale, height = timeline.clientHeight * scale;
      if (timeline.width !== width || timeline.height !== height) Object.assign(timeline, { width, height });
      const canvas = timeline.getContext('2d'), x = (time) => Math.round(width * (1 + (time - now) / MINUTE));
      canvas.clearRect(0, 0, width, height);
      this.history.forEach(({ time, outputs }, i) => {
        let y = height;
        const left = x(Math.max(this.history[i - 1]?.time ?? 0, time - 2));
        outputs?.[n].forEach((p, k) => {
          canvas.fillStyle = this.data.networks[n].classes[k][1];
          canvas.fillRect(left, y - p * height, x(time) - left, p * height);
          y -= p * height;
        });
      });
    });
  }
}
