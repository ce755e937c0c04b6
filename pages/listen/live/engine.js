// From the microphone's samples to probabilities. One file for three places: the AudioWorklet, which passes samples on; the worker,
// which computes spectrograms and runs the networks; Node.js, where tests compare all this with the library.

const BLOCK_SECONDS = 0.05; // of samples that travel together
const SILENCE_SECONDS = 1; // as in crnn/audio/silence.py
const RANGE_DB = 80; // of the spectrogram that is drawn

// The resampler's pass band ends as that of soxr at HQ quality, which the library uses (within 0.4 dB in every mel band): genre's
// network reacts to the highest bands.
const CUTOFF = 0.9567, ZEROS = 84, KAISER = 10.75;

/** Band-limited interpolation by a windowed sinc, from one sample rate to another. */
export class Resampler {
  constructor(from, to) {
    let [a, b] = [from, to];
    while (b) [a, b] = [b, a % b];
    [this.up, this.down] = [to / a, from / a];
    const cutoff = CUTOFF * Math.min(1, to / from); // of the input's Nyquist frequency
    this.half = Math.ceil(ZEROS / cutoff);
    // One kernel for each place that an output sample can have between two input samples.
    this.kernels = Array.from({ length: this.up }, (_, phase) => Float64Array.from({ length: 2 * this.half }, (_, j) => {
      const x = j + 1 - this.half - phase / this.up;
      const sinc = x ? Math.sin(Math.PI * cutoff * x) / (Math.PI * x) : cutoff;
      return sinc * bessel(KAISER * Math.sqrt(Math.max(0, 1 - (x / this.half) ** 2))) / bessel(KAISER);
    }));
    this.rest = new Float32Array(this.half - 1); // input that later outputs need, after silence
    this.next = 0; // place of the next output, in input samples × up from rest's first kernel
  }

  push(samples) {
    if (this.up === this.down) return samples;
    const input = concatenated(this.rest, samples), out = [];
    let first;
    for (; (first = Math.floor(this.next / this.up)) + 2 * this.half <= input.length; this.next += this.down) {
      const kernel = this.kernels[this.next % this.up];
      let sum = 0;
      for (let j = 0; j < kernel.length; j++) sum += kernel[j] * input[first + j];
      out.push(sum);
    }
    this.rest = input.slice(first);
    this.next -= first * this.up;
    return Float32Array.from(out);
  }
}

/** Mel power of centred frames, as crnn/audio/mel.py has it; what precedes the first sample is silence. */
export class Mel {
  /** settings: the front end's; edges: corner frequencies of its mel filters in Hz, [M + 2]. */
  constructor({ sample_rate, n_fft, hop_length, norm }, edges) {
    [this.size, this.hop] = [n_fft, hop_length];
    this.rest = new Float32Array(n_fft / 2);
    this.skip = 0; // samples until the next frame, where the hop is longer than the frame
    this.window = Float64Array.from({ length: n_fft }, (_, i) => 0.5 - 0.5 * Math.cos(2 * Math.PI * i / n_fft));
    this.cos = Float64Array.from({ length: n_fft / 2 }, (_, i) => Math.cos(2 * Math.PI * i / n_fft));
    this.sin = Float64Array.from({ length: n_fft / 2 }, (_, i) => -Math.sin(2 * Math.PI * i / n_fft));
    this.reversed = Uint32Array.from({ length: n_fft }, (_, i) => {
      let mirrored = 0;
      for (let bit = 1; bit < n_fft; bit *= 2) mirrored = 2 * mirrored + (i & bit ? 1 : 0);
      return mirrored;
    });
    this.filters = Array.from({ length: edges.length - 2 }, (_, m) => {
      const [low, centre, high] = edges.slice(m, m + 3), weights = [];
      const first = Math.ceil(low * n_fft / sample_rate);
      for (let k = first; k <= n_fft / 2 && k * sample_rate / n_fft < high; k++) {
        const hz = k * sample_rate / n_fft;
        const height = Math.min((hz - low) / (centre - low), (high - hz) / (high - centre));
        weights.push(height * (norm === 'slaney' ? 2 / (high - low) : 1));
      }
      return { first, weights };
    });
  }

  /** The frames that these samples complete, each [M]. */
  push(samples) {
    const input = concatenated(this.rest, samples), frames = [];
    let first = this.skip;
    for (; first + this.size <= input.length; first += this.hop) frames.push(this.frame(input, first));
    this.rest = input.slice(Math.min(first, input.length));
    this.skip = first - Math.min(first, input.length);
    return frames;
  }

  frame(input, first) {
    const { size, cos, sin } = this, re = new Float64Array(size), im = new Float64Array(size);
    for (let i = 0; i < size; i++) re[this.reversed[i]] = input[first + i] * this.window[i];
    for (let half = 1; half < size; half *= 2) { // Cooley and Tukey, radix 2
      for (let start = 0; start < size; start += 2 * half) {
        for (let k = 0, i = start; k < half; k++, i++) {
          const [c, s, j] = [cos[k * size / 2 / half], sin[k * size / 2 / half], i + half];
          const [x, y] = [c * re[j] - s * im[j], c * im[j] + s * re[j]];
          [re[j], im[j], re[i], im[i]] = [re[i] - x, im[i] - y, re[i] + x, im[i] + y];
        }
      }
    }
    return Float32Array.from(this.filters, ({ first: k, weights }) => {
      let sum = 0;
      weights.forEach((weight, n) => { sum += weight * (re[k + n] ** 2 + im[k + n] ** 2); });
      return sum;
    });
  }
}

/** dB below the frames' maximum (or a fixed reference), one band after the other, [M · width]; too few frames are repeated. */
export function decibels(frames, { reference, top_db }, width) {
  const maximum = largest(frames), floor = maximum * 10 ** (-top_db / 10), bands = frames[0].length;
  const zero = reference === 'max' ? maximum : reference, values = new Float32Array(bands * width);
  for (let t = 0; t < width; t++) {
    frames[t % frames.length].forEach((power, m) => {
      values[m * width + t] = 10 * Math.log10(Math.max(power, floor) / zero);
    });
  }
  return values;
}

/** What the microphone has brought: the last frames for each network, and whether there is sound. */
export class Listener {
  /** networks: of `network` in __init__.py; quiet: the peak below which there is no sound; rate: the microphone's. */
  constructor(networks, quiet, rate) {
    this.inputs = networks.map((network) => new Input(network, rate));
    Object.assign(this, { quiet, rate, time: 0, still: SILENCE_SECONDS, loudest: 0 });
  }

  /** Take samples; the new frames of the first network's spectrogram, 0 … 255, and the samples' peak. */
  push(samples) {
    const peak = largest([samples]);
    this.time += samples.length / this.rate;
    this.still = peak < this.quiet ? this.still + samples.length / this.rate : 0;
    const [columns] = this.inputs.map((input) => input.push(samples, this.silent)); // of the first network
    this.loudest = Math.max(this.loudest, largest(columns));
    const level = (power) => 255 * Math.max(0, 1 + 10 * Math.log10(power / this.loudest) / RANGE_DB) || 0;
    return { peak, columns: columns.map((frame) => Uint8Array.from(frame, level)) };
  }

  get silent() {
    return this.still >= SILENCE_SECONDS;
  }

  /** Seconds of sound there are to predict from, at most a segment. */
  get seconds() {
    return Math.min(...this.inputs.map((input) => input.seconds));
  }
}

/** A network's frames since the last silence, at most a segment. */
class Input {
  constructor({ frontEnd, edges, width }, rate) {
    Object.assign(this, { frontEnd, width, frames: [] });
    this.resampler = new Resampler(rate, frontEnd.sample_rate);
    this.mel = new Mel(frontEnd, edges);
  }

  push(samples, silent) {
    const frames = this.mel.push(this.resampler.push(samples));
    this.frames = silent ? [] : [...this.frames, ...frames].slice(-this.width);
    return frames;
  }

  get seconds() {
    return this.frames.length * this.frontEnd.hop_length / this.frontEnd.sample_rate;
  }

  /** The network's input, and its shape. */
  get tensor() {
    return [decibels(this.frames, this.frontEnd, this.width), [1, 1, this.frames[0].length, this.width]];
  }
}

/** A function from the tensors of inputs to probabilities, an array for each model.onnx; ort, wasm: ONNX Runtime. */
export async function load(ort, wasm, models) {
  Object.assign(ort.env.wasm, { wasmBinary: wasm, numThreads: 1 });
  const sessions = [];
  for (const model of models) sessions.push(await ort.InferenceSession.create(model, { executionProviders: ['wasm'] }));
  return async (tensors) => {
    const outputs = [];
    for (const [n, [values, shape]] of tensors.entries()) {
      const { probabilities } = await sessions[n].run({ log_mel: new ort.Tensor('float32', values, shape) });
      outputs.push(Array.from(probabilities.data));
    }
    return outputs;
  };
}

export async function unpacked(compressed) {
  return new Response(new Blob([compressed]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}

/** The modified Bessel function of order 0, of which Kaiser's window is made. */
function bessel(x) {
  let [sum, term] = [1, 1];
  for (let k = 1; term > 1e-12 * sum; k++) sum += term *= (x / 2 / k) ** 2;
  return sum;
}

function concatenated(one, other) {
  const both = new Float32Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

function largest(arrays) {
  return arrays.reduce((most, array) => array.reduce((a, b) => Math.max(a, Math.abs(b)), most), 0);
}

let loading = null; // once in a worker's life

/** In the worker: listen to a port; predict each `every` seconds, or as often as the computer can. */
function work({ data: { networks, quiet, every, early, rate, urls, port } }) {
  const listener = new Listener(networks, quiet, rate);
  let predict = null, due = 0, busy = false;
  const broken = (error) => postMessage({ kind: 'broken', error: String(error) });
  loading ??= fetchAll(urls).then((files) => load(...files));
  loading.then((loaded) => { predict = loaded; }).catch(broken);
  port.onmessage = async ({ data: samples }) => {
    postMessage({ kind: 'sound', ...listener.push(samples) });
    if (!predict || busy || listener.time < due) return;
    due = Math.max(due + every, listener.time - every);
    const { time, seconds, silent } = listener, start = performance.now();
    busy = true;
    const outputs = silent || seconds < early ? null : await predict(listener.inputs.map(({ tensor }) => tensor)).catch(broken);
    busy = false;
    postMessage({ kind: 'prediction', outputs, time, seconds, silent, ms: performance.now() - start });
  };
}

async function fetchAll({ runtime, wasm, models }) {
  const bytes = async (url) => {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
    return answer.arrayBuffer();
  };
  return Promise.all([import(runtime), bytes(wasm).then(unpacked), Promise.all(models.map(bytes))]);
}

if (globalThis.registerProcessor) {
  registerProcessor('microphone', class extends AudioWorkletProcessor {
    constructor() {
      super();
      this.block = new Float32Array(Math.ceil(BLOCK_SECONDS * sampleRate));
      this.filled = 0;
      this.port.onmessage = ({ data }) => { this.worker = data; };
    }

    process([channels]) {
      const count = channels.length;
      for (let i = 0; count && i < channels[0].length; i++) {
        let sum = 0;
        for (let c = 0; c < count; c++) sum += channels[c][i];
        this.block[this.filled++] = sum / count;
        if (this.filled < this.block.length) continue;
        this.worker?.postMessage(this.block.slice());
        this.filled = 0;
      }
      return true;
    }
  });
} else if (globalThis.WorkerGlobalScope) {
  globalThis.onmessage = work;
}
