// The player in the browser. Streamlit calls the default function when it is mounted and whenever its data or theme change; the
// data are those of `show` in __init__.py. Static layers are drawn on one canvas; what moves is moved by CSS alone.

const GAP = 6, AXIS = 18; // px
const AREAS = 92, NARROW = 0.78; // px; what is left of heights on a phone
const LOOP_SECONDS = 4, MIN_VIEW_SECONDS = 2;
const PLAY = 'M7 4.5v15l12.5-7.5z', PAUSE = 'M6.5 5h4v14h-4zM13.5 5h4v14h-4z';

const players = new WeakMap();
// window.sounding: the player, or the card of an example, that plays. Only one does.

export default function ({ data: [data], parentElement, setStateValue }) {
  const root = parentElement.querySelector('.player');
  if (!players.has(root)) players.set(root, new Player(root));
  const player = players.get(root);
  player.update(data, (moment) => setStateValue('moment', moment));
  return () => player.close();
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

function clock(seconds, digits = 0) {
  const unit = 10 ** digits, units = Math.floor(seconds * unit + 1e-6);
  const [minutes, rest] = [Math.floor(units / (60 * unit)), (units % (60 * unit)) / unit];
  return `${minutes}:${rest.toFixed(digits).padStart(digits ? digits + 3 : 2, '0')}`;
}

function percent(p) {
  if (p > 0 && p < 0.01) return '<1%';
  return p > 0.99 && p < 1 ? '>99%' : `${Math.round(100 * p)}%`;
}

function element(tag, text, parent, className = '') {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  parent.append(made);
  return made;
}

/** Probabilities over time: values of the intervals, and lines between their middles to draw. */
class Timeline {
  constructor({ title, classes, edges, values }) {
    this.title = title;
    this.classes = classes; // [name, colour]
    this.edges = new Float32Array(bytes(edges).buffer);
    this.values = Float32Array.from(new Uint16Array(bytes(values).buffer), (v) => v / 65535);
    this.count = this.edges.length - 1;
    const sums = classes.map((_, k) => this.sum(k));
    this.order = classes.map((_, k) => k).sort((a, b) => sums[b] - sums[a]); // from the bottom
  }

  sum(k) {
    let total = 0;
    for (let i = 0; i < this.count; i++) total += this.row(i)[k] * (this.edges[i + 1] - this.edges[i]);
    return total;
  }

  row(i) {
    return this.values.subarray(i * this.classes.length, (i + 1) * this.classes.length);
  }

  silent(i) {
    return !this.row(i).some((p) => p > 0);
  }

  middle(i) {
    return (this.edges[i] + this.edges[i + 1]) / 2;
  }

  interval(t) {
    let low = 0, high = this.count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.edges[middle] <= t) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The interval of a moment, its neighbour and the neighbour's weight. */
  between(t) {
    const i = this.interval(t), middle = this.middle(i), j = t < middle ? i - 1 : i + 1;
    if (j < 0 || j >= this.count || this.silent(i) || this.silent(j)) return [i, i, 0];
    return [i, j, clamp((t - middle) / (this.middle(j) - middle), 0, 1)];
  }

  /** Class numbers and probabilities of a moment, the most probable first; empty in silence. */
  top(t, n) {
    const row = this.row(this.interval(t));
    const ranked = this.classes.map((_, k) => [k, row[k]]).sort((a, b) => b[1] - a[1]);
    return ranked.slice(0, n).filter(([, p]) => p > 0);
  }

  words(t, n) {
    const top = this.top(t, n).map(([k, p]) => `${this.classes[k][0]} ${percent(p)}`);
    return top.join(', ') || 'silence';
  }
}

class Player {
  constructor(root) {
    this.root = root;
    for (const name of ['play', 'clock', 'sounds', 'loop', 'out', 'in', 'speed', 'failed', 'body', 'scroll', 'spacer', 'lanes',
      'base', 'played', 'region', 'ghost', 'head', 'tip', 'side', 'plane', 'dot', 'now']) {
      this[name] = root.querySelector(`.${name}`);
    }
    this.audios = [];
    this.images = []; // by spectrogram, then by sound
    this.shown = -1; // the moment that the page was told, -1: none
    this.zoomed = 1;
    this.t0 = 0;
    this.frame = () => {
      this.paint();
      this.running = this.playing ? requestAnimationFrame(this.frame) : 0;
    };
    this.play.onclick = () => this.toggle();
    this.loop.onclick = () => this.toggleLoop();
    this.in.onclick = () => this.zoom(2);
    this.out.onclick = () => this.zoom(1 / 2);
    this.speed.onchange = () => this.setSpeed();
    this.scroll.onscroll = () => this.scrolled();
    this.scroll.addEventListener('wheel', (event) => {
      if (!event.ctrlKey) return; // a plain turn scrolls the page
      event.preventDefault();
      this.zoom(2 ** (-event.deltaY / 200), this.time(event));
    }, { passive: false });
    root.onkeydown = (event) => this.key(event);
    this.pageKey = (event) => {
      if (!this.data.pageKeys || !['b', ' '].includes(event.key.toLowerCase())) return;
      if (event.composedPath()[0].closest?.('input, textarea, select, button, a, summary, [role=slider], [contenteditable]')) return;
      this.key(event);
    };
    document.addEventListener('keydown', this.pageKey);
    this.plane.onclick = (event) => this.pick(event);
    this.lanes.onpointerdown = (event) => this.press(event);
    this.lanes.onpointermove = (event) => this.move(event);
    this.lanes.onpointerup = (event) => this.release(event);
    this.lanes.onpointercancel = () => { this.drag = null; };
    this.lanes.onpointerleave = () => this.hover(null);
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.scroll);
  }

  /** Take other data, and colours of another theme; the moment and whether it plays stay. */
  update(data, report) {
    this.report = report;
    const style = getComputedStyle(this.root);
    this.colour = Object.fromEntries(['text', 'primary', 'background', 'secondary-background'].map(
      (name) => [name, style.getPropertyValue(`--st-${name}-color`).trim()]));
    this.font = style.getPropertyValue('--st-font').trim() || 'sans-serif';
    if (data !== this.data) this.load(data);
    this.draw();
  }

  load(data) {
    const before = this.data;
    this.data = data;
    this.timelines = data.timelines.map((timeline) => new Timeline(timeline));
    this.points = data.plane && new Float32Array(bytes(data.plane.points).buffer);
    this.peaks = data.sounds.map((sound) => bytes(sound.peaks));
    this.loudest = Math.max(1, ...this.peaks.map((peaks) => peaks.reduce((a, b) => Math.max(a, b), 0)));
    // An image stays until the one that takes its place is there.
    data.spectrograms.forEach(({ images }, n) => images.forEach(({ url }, k) => {
      if (url === before?.spectrograms[n]?.images[k]?.url) return;
      const image = new Image();
      image.onload = () => {
        (this.images[n] ??= [])[k] = image;
        this.draw();
      };
      image.src = address(url);
    }));
    this.lanes.setAttribute('aria-label', `Position in ${data.name}`);
    this.lanes.setAttribute('aria-valuemax', data.seconds.toFixed(2));
    this.root.querySelector('#alt').textContent = data.alt;
    this.side.hidden = !this.timelines.length;
    this.plane.hidden = !data.plane;
    this.body.classList.toggle('with-side', this.timelines.length > 0);
    this.now.replaceChildren();
    this.rows = this.timelines.map((timeline) => {
      element('h4', '', this.now);
      return Array.from({ length: Math.min(3, timeline.classes.length) }, () => {
        const row = element('div', '', this.now);
        return { name: element('span', '', row), value: element('span', '', row), bar: element('i', '', row) };
      });
    });
    const urls = (of) => of?.sounds.map((sound) => sound.url).join();
    if (urls(data) !== urls(before)) this.loadSounds(data.sounds);
    if (data.play && data.play !== before?.play) this.start();
    if (before && before.seconds !== data.seconds) this.setLoop(null);
  }

  loadSounds(sounds) {
    const [moment, playing] = [this.moment, this.playing];
    this.audios.forEach(dispose);
    this.failed.hidden = true;
    this.current = Math.min(this.current ?? 0, sounds.length - 1);
    this.audios = sounds.map((sound) => {
      const audio = document.createElement('audio');
      this.root.append(audio);
      audio.preload = sounds.length > 1 ? 'auto' : sound.large ? 'none' : 'metadata';
      audio.onplay = audio.onpause = () => this.changed();
      audio.onended = () => (this.region_ ? this.repeat() : this.changed());
      audio.ontimeupdate = () => this.paint();
      audio.onerror = () => {
        this.failed.textContent = 'This browser could not load or play the sound. The charts still show every moment.';
        this.failed.hidden = false;
        this.play.disabled = true;
      };
      audio.src = address(sound.url);
      return audio;
    });
    this.play.disabled = false;
    this.sounds.replaceChildren();
    this.sounds.hidden = sounds.length < 2;
    sounds.forEach((sound, i) => {
      const button = element('button', sound.title, this.sounds);
      button.type = 'button';
      button.onclick = () => this.choose(i);
    });
    element('kbd', 'B', this.sounds).title = 'Press B to switch';
    this.setSpeed();
    this.choose(this.current);
    this.seek(moment, false);
    if (playing) this.start();
  }

  close() {
    this.audios.forEach(dispose);
    this.resized.disconnect();
    document.removeEventListener('keydown', this.pageKey);
    cancelAnimationFrame(this.running);
    clearTimeout(this.reporting);
    clearTimeout(this.resting);
    if (window.sounding === this) window.sounding = null;
  }

  get audio() {
    return this.audios[this.current ?? 0];
  }

  get playing() {
    return Boolean(this.audio && !this.audio.paused && !this.audio.ended);
  }

  get moment() {
    return clamp(this.audio?.currentTime ?? 0, 0, this.data.seconds);
  }

  start() {
    if (window.sounding !== this) window.sounding?.stop();
    window.sounding = this;
    if (this.moment >= this.data.seconds - 0.05) this.seek(0);
    // All sounds play at once, all but one muted: switching is immediate.
    for (const audio of this.audios) audio.play().catch(() => {}); // `onerror` says why
  }

  stop() {
    for (const audio of this.audios) audio.pause();
  }

  toggle() {
    if (this.playing) this.stop();
    else this.start();
  }

  changed() {
    const playing = this.playing;
    this.play.setAttribute('aria-label', playing ? 'Pause' : 'Play');
    this.play.querySelector('path').setAttribute('d', playing ? PAUSE : PLAY);
    if (playing && !this.running) this.frame();
    if (playing) clearTimeout(this.reporting);
    else this.tell();
    this.paint();
  }

  /** Tell the page the moment, once it has stayed for a while. */
  tell() {
    clearTimeout(this.reporting);
    this.reporting = setTimeout(() => {
      const moment = Math.round(100 * this.moment) / 100;
      if (!this.data.reruns || moment === this.shown || (this.shown < 0 && moment === 0)) return;
      this.shown = moment;
      this.report(moment);
    }, 400);
  }

  seek(t, told = true) {
    t = clamp(t, 0, this.data.seconds);
    for (const audio of this.audios) audio.currentTime = t;
    this.follow();
    this.paint(true);
    if (told) this.tell();
  }

  choose(i) {
    const t = this.audio.currentTime;
    this.current = i;
    this.audios.forEach((audio, k) => { audio.muted = k !== i; });
    if (Math.abs(this.audio.currentTime - t) > 0.03) this.audio.currentTime = t;
    this.sounds.querySelectorAll('button').forEach((button, k) => button.setAttribute('aria-pressed', k === i));
    this.draw();
  }

  setSpeed() {
    for (const audio of this.audios) audio.playbackRate = audio.defaultPlaybackRate = Number(this.speed.value);
  }

  setLoop(region) {
    this.region_ = region;
    this.loop.setAttribute('aria-pressed', Boolean(region));
    this.paint();
  }

  toggleLoop() {
    const { seconds } = this.data, from = clamp(this.moment, 0, Math.max(0, seconds - LOOP_SECONDS));
    this.setLoop(this.region_ ? null : [from, Math.min(seconds, from + LOOP_SECONDS)]);
  }

  repeat() {
    this.seek(this.region_[0], false);
    this.start();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === this.speed) return;
    const step = event.shiftKey ? 5 : 1, slider = event.target === this.lanes;
    const actions = {
      ' ': () => this.toggle(),
      ArrowRight: () => this.seek(this.moment + step),
      ArrowLeft: () => this.seek(this.moment - step),
      l: () => this.toggleLoop(),
      b: () => this.choose((this.current + 1) % this.audios.length),
      '+': () => this.zoom(2),
      '=': () => this.zoom(2),
      '-': () => this.zoom(1 / 2),
      '−': () => this.zoom(1 / 2),
    };
    if (slider) {
      actions.ArrowUp = actions.ArrowRight;
      actions.ArrowDown = actions.ArrowLeft;
      actions.PageUp = () => this.seek(this.moment + 10);
      actions.PageDown = () => this.seek(this.moment - 10);
      actions.Home = () => this.seek(0);
      actions.End = () => this.seek(this.data.seconds);
    }
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action || (event.key === ' ' && event.target.tagName === 'BUTTON')) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  // ---- the time axis

  get view() {
    return this.data.seconds / this.zoomed; // seconds in sight
  }

  x(t) {
    return ((t - this.t0) / this.view) * this.width;
  }

  time(event) {
    const box = this.lanes.getBoundingClientRect();
    return clamp(this.t0 + ((event.clientX - box.left) / box.width) * this.view, 0, this.data.seconds);
  }

  zoom(factor, around = this.moment) {
    const place = (around - this.t0) / this.view;
    this.zoomed = clamp(this.zoomed * factor, 1, Math.max(1, this.data.seconds / MIN_VIEW_SECONDS));
    this.spacer.style.width = `${100 * this.zoomed}%`;
    this.scrollTo_(around - clamp(place, 0, 1) * this.view);
    this.draw();
  }

  scrollTo_(t) {
    this.scroll.scrollLeft = (t / this.data.seconds) * this.zoomed * this.width;
    this.scrolled();
  }

  scrolled() {
    const t0 = (this.scroll.scrollLeft / (this.zoomed * this.width)) * this.data.seconds || 0;
    if (t0 === this.t0) return;
    this.t0 = t0;
    this.draw();
  }

  /** Keep the playhead in sight. */
  follow() {
    const t = this.moment;
    if (this.zoomed > 1 && (t < this.t0 || t > this.t0 + this.view)) this.scrollTo_(t - this.view / 20);
  }

  press(event) {
    if (event.button) return;
    const t = this.time(event);
    if (event.target.parentElement === this.region) this.drag = { end: event.target.className === 'from' ? 0 : 1 };
    else if (event.shiftKey) this.drag = { anchor: t };
    else if (event.pointerType === 'touch') this.drag = { tap: [event.clientX, event.clientY] }; // or the start of a swipe
    else this.drag = {};
    if (!('tap' in this.drag)) this.lanes.setPointerCapture(event.pointerId);
    if (!Object.keys(this.drag).length) this.seek(t);
  }

  move(event) {
    const t = this.time(event), drag = this.drag;
    if (!drag) {
      if (event.pointerType !== 'touch') this.hover(t, event);
      return;
    }
    if ('tap' in drag && Math.abs(event.clientX - drag.tap[0]) < 8) return;
    if ('end' in drag) {
      const region = [...this.region_];
      region[drag.end] = t;
      if (region[1] - region[0] >= 0.1) this.setLoop(region);
    } else if ('anchor' in drag) {
      const region = [Math.min(t, drag.anchor), Math.max(t, drag.anchor)];
      if (region[1] - region[0] >= 0.1) this.setLoop(region);
    } else {
      delete drag.tap;
      this.seek(t);
    }
  }

  release(event) {
    if (this.drag?.tap && Math.abs(event.clientY - this.drag.tap[1]) < 8) this.seek(this.time(event));
    if (this.drag && 'anchor' in this.drag && this.region_) this.seek(this.region_[0]);
    this.drag = null;
  }

  /** Show the moment under the mouse, until it has rested for a while; null: none is. */
  hover(t, event) {
    clearTimeout(this.resting);
    if (t !== null) this.resting = setTimeout(() => this.hover(null), 3000);
    this.hovered = t;
    this.ghost.hidden = this.tip.hidden = t === null;
    if (t !== null) {
      const x = this.x(t), lines = this.timelines.map((timeline) => `${timeline.title}: ${timeline.words(t, 2)}`);
      this.ghost.style.transform = `translateX(${x}px)`;
      this.tip.textContent = [clock(this.data.start + t, 1), ...lines].join('\n');
      const width = this.tip.offsetWidth;
      this.tip.style.left = `${x + 12 + width > this.width ? Math.max(0, x - 12 - width) : x + 12}px`;
      this.tip.style.top = `${clamp(event.offsetY + 14, 0, this.height - this.tip.offsetHeight)}px`;
    }
    this.read();
  }

  /** Go to the moment whose point in the plane is nearest. */
  pick(event) {
    const box = this.plane.getBoundingClientRect(), timeline = this.timelines[this.data.plane.timeline];
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let best = 0, least = Infinity;
    for (let i = 0; i < timeline.count; i++) {
      const [px, py] = this.place(this.points[2 * i], this.points[2 * i + 1], box.width);
      const distance = (px - x) ** 2 + (py - y) ** 2;
      if (distance < least && !timeline.silent(i)) [best, least] = [i, distance];
    }
    this.seek(timeline.middle(best));
  }

  // ---- what moves

  /** Move the playhead and what depends on it; soon: let screen readers know at once. */
  paint(soon = false) {
    if (!this.width) return;
    if (this.playing) {
      const t = this.audio.currentTime, region = this.region_;
      if (region && t >= region[1] && t < region[1] + 1) return void this.repeat();
      if (t >= this.data.seconds && this.audio.duration > this.data.seconds + 0.1) this.stop();
      if (!this.drag) this.follow();
    }
    const t = this.moment, x = clamp(this.x(t), -20, this.width + 20);
    this.head.style.transform = `translateX(${x}px)`;
    this.played.style.clipPath = `inset(0 ${Math.max(0, this.width - x)}px 0 0)`;
    this.region.hidden = !this.region_;
    if (this.region_) {
      const [from, to] = this.region_.map((end) => this.x(end));
      this.region.style.left = `${from}px`;
      this.region.style.width = `${to - from}px`;
    }
    this.read();
    const second = Math.floor(t);
    if (soon || !this.playing || (second !== this.spoken && this.root.getRootNode().activeElement !== this.lanes)) {
      this.spoken = second;
      const words = this.timelines.map((timeline) => `. ${timeline.title}: ${timeline.words(t, 2)}`);
      this.lanes.setAttribute('aria-valuenow', t.toFixed(1));
      this.lanes.setAttribute('aria-valuetext', `${this.position(t, 0)}${words.join('')}`);
    }
  }

  position(t, digits) {
    return `${clock(this.data.start + t, digits)} of ${clock(this.data.start + this.data.seconds)}`;
  }

  /** The moment in numbers: the hovered one, else the playhead's. */
  read() {
    const t = this.hovered ?? this.moment, { start, seconds } = this.data;
    const text = clock(start + this.moment, 1);
    if (this.clock.dataset.t !== text) {
      this.clock.dataset.t = text;
      this.clock.replaceChildren();
      element('b', text, this.clock);
      this.clock.append(` / ${clock(start + seconds)}`);
    }
    const key = this.timelines.map((timeline) => timeline.interval(t)).join();
    if (this.written !== key || this.writtenAt !== Math.floor(t)) {
      [this.written, this.writtenAt] = [key, Math.floor(t)];
      this.timelines.forEach((timeline, n) => {
        const top = timeline.top(t, 3);
        this.now.querySelectorAll('h4')[n].textContent = `${timeline.title} at ${clock(start + t)}`;
        this.rows[n].forEach(({ name, value, bar }, i) => {
          const [k, p] = top[i] ?? [null, 0];
          name.textContent = k === null ? (i ? '\u00a0' : 'Silence') : timeline.classes[k][0];
          value.textContent = k === null ? '' : percent(p);
          bar.style.width = `${100 * p}%`;
          bar.style.background = k === null ? '' : timeline.classes[k][1];
        });
      });
    }
    if (this.data.plane && this.side_) {
      const timeline = this.timelines[this.data.plane.timeline], [i, j, weight] = timeline.between(t);
      const mix = (axis) => (1 - weight) * this.points[2 * i + axis] + weight * this.points[2 * j + axis];
      const [x, y] = this.place(mix(0), mix(1), this.side_);
      this.dot.style.transform = `translate(${x}px, ${y}px)`;
      this.dot.hidden = timeline.silent(i);
    }
  }

  // ---- what stands still

  draw() {
    this.width = this.scroll.clientWidth;
    if (!this.width || !this.data) return;
    // A player that has the page's keys is what the page is about: it uses a taller window.
    const roomy = this.data.pageKeys ? clamp(window.innerHeight / 720, 1, 1.5) : 1;
    const scale = this.width < 480 ? NARROW : roomy, lanes = [['wave', scale * this.data.waveHeight]];
    this.data.spectrograms.forEach((spectrogram, n) => lanes.push([n, scale * spectrogram.height]));
    this.timelines.forEach((timeline) => lanes.push([timeline, scale * AREAS]));
    this.height = lanes.reduce((sum, [, height]) => sum + height + GAP, AXIS - GAP);
    this.lanes.style.width = `${this.width}px`;
    this.lanes.style.height = `${this.height}px`;
    const base = context(this.base, this.width, this.height), played = context(this.played, this.width, this.height);
    let top = 0;
    for (const [lane, height] of lanes) {
      base.save();
      base.beginPath();
      base.roundRect(0, top, this.width, height, 4);
      base.clip();
      if (lane === 'wave') {
        this.drawWave(base, top, height, mix(this.colour.text, 0.35));
        this.drawWave(played, top, height, this.colour.primary);
      } else if (typeof lane === 'number') this.drawMel(base, top, height, lane);
      else this.drawAreas(base, top, height, lane);
      base.restore();
      top += height + GAP;
    }
    this.drawAxis(base, top - GAP);
    this.in.disabled = this.zoomed >= Math.max(1, this.data.seconds / MIN_VIEW_SECONDS);
    this.out.disabled = this.zoomed <= 1;
    this.drawPlane();
    this.written = null;
    this.paint();
  }

  drawWave(ctx, top, height, colour) {
    const peaks = this.peaks[this.current], rate = this.data.peaksPerSecond, middle = top + height / 2;
    ctx.fillStyle = colour;
    for (let x = 0; x < this.width; x += 3) {
      const from = Math.floor((this.t0 + (x / this.width) * this.view) * rate);
      const to = Math.max(from + 1, Math.floor((this.t0 + ((x + 3) / this.width) * this.view) * rate));
      let peak = 0;
      for (let i = from; i < to && i < peaks.length; i++) peak = Math.max(peak, peaks[i]);
      const half = Math.max(0.5, (peak / this.loudest) * (height / 2 - 2));
      ctx.fillRect(x, middle - half, 2, 2 * half);
    }
  }

  drawMel(ctx, top, height, n) {
    ctx.fillStyle = '#000003';
    ctx.fillRect(0, top, this.width, height);
    const { title, images } = this.data.spectrograms[n], k = Math.min(this.current, images.length - 1);
    const { start, end, ticks } = images[k], image = this.images[n]?.[k];
    if (image) {
      const scale = image.naturalWidth / (end - start);
      ctx.drawImage(image, (this.t0 - start) * scale, 0, this.view * scale, image.naturalHeight, 0, top, this.width, height);
    }
    ctx.font = `11px ${this.font}`;
    ctx.textAlign = 'right';
    ctx.textBaseline = 'middle';
    let last = top - 6; // names lie at least 14 px apart
    for (const [name, place] of Object.entries(ticks).sort(([, a], [, b]) => b - a)) {
      const y = top + height * (1 - place);
      if (y < last + 14 || y > top + height - 8) continue;
      last = y;
      ctx.fillStyle = '#fffc';
      ctx.fillRect(this.width - 5, y, 5, 1);
      outlined(ctx, name, this.width - 8, y);
    }
    this.drawTitle(ctx, images.length > 1 ? `${title}, ${this.data.sounds[k].title.toLowerCase()}` : title, top);
  }

  drawAreas(ctx, top, height, timeline) {
    ctx.fillStyle = mix(this.colour.text, 0.06);
    ctx.fillRect(0, top, this.width, height);
    const columns = Math.ceil(this.width) + 1, low = new Float32Array(columns), high = new Float32Array(columns);
    const places = Array.from({ length: columns }, (_, x) => timeline.between(this.t0 + (x / this.width) * this.view));
    const names = [];
    for (const k of timeline.order) {
      const [name, colour] = timeline.classes[k];
      low.set(high);
      places.forEach(([i, j, weight], x) => {
        high[x] = low[x] + height * ((1 - weight) * timeline.row(i)[k] + weight * timeline.row(j)[k]);
      });
      ctx.beginPath();
      for (let x = 0; x < columns; x++) ctx.lineTo(x, top + height - high[x]);
      for (let x = columns - 1; x >= 0; x--) ctx.lineTo(x, top + height - low[x]);
      ctx.fillStyle = colour;
      ctx.fill();
      names.push(this.widest(ctx, name, colour, low, high, height));
    }
    ctx.textAlign = 'center';
    ctx.textBaseline = 'middle';
    ctx.font = `600 12px ${this.font}`;
    for (const place of names) {
      if (!place) continue;
      ctx.fillStyle = light(place.colour) ? '#1a1420' : '#fff';
      ctx.fillText(place.name, place.x, top + height - place.y);
    }
    this.drawTitle(ctx, timeline.title, top);
  }

  /** Where a class's name has the most room within its area; null where it has none. */
  widest(ctx, name, colour, low, high, height) {
    ctx.font = `600 12px ${this.font}`;
    const half = Math.ceil(ctx.measureText(name).width / 2) + 4;
    let best = null, room = 14; // px of height that a name needs
    for (let x = half; x < low.length - half; x += 6) {
      let bottom = 0, top = Infinity;
      for (let i = x - half; i < x + half; i += 4) [bottom, top] = [Math.max(bottom, low[i]), Math.min(top, high[i])];
      const middle = (bottom + top) / 2;
      // The upper left corner has the lane's title.
      if (top - bottom > room && (x - half > 70 || middle < height - 32)) {
        [best, room] = [{ name, colour, x, y: middle }, top - bottom];
      }
    }
    return best;
  }

  drawTitle(ctx, text, top) {
    ctx.font = `600 11px ${this.font}`;
    ctx.textAlign = 'left';
    ctx.textBaseline = 'middle';
    ctx.fillStyle = '#15121acc';
    ctx.beginPath();
    ctx.roundRect(4, top + 4, ctx.measureText(text).width + 12, 18, 4);
    ctx.fill();
    ctx.fillStyle = '#fff';
    ctx.fillText(text, 10, top + 13.5);
  }

  drawAxis(ctx, top) {
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120].find((s) => (s / this.view) * this.width >= 64) ?? 300;
    ctx.font = `11px ${this.font}`;
    ctx.textBaseline = 'bottom';
    ctx.fillStyle = mix(this.colour.text, 0.8);
    const { start } = this.data;
    for (let n = Math.ceil((start + this.t0) / step - 1e-6); n * step <= start + this.t0 + this.view + 1e-6; n++) {
      const x = this.x(n * step - start);
      ctx.textAlign = x < 14 ? 'left' : x > this.width - 14 ? 'right' : 'center';
      ctx.fillRect(clamp(x, 0, this.width - 1), top, 1, 4);
      ctx.fillText(clock(n * step, step < 1 ? 1 : 0), x, top + AXIS);
    }
  }

  place(valence, arousal, size) {
    return [size / 2 + valence * (size / 2 - 12), size / 2 - arousal * (size / 2 - 46)];
  }

  drawPlane() {
    this.side_ = this.data.plane ? this.plane.clientWidth : 0;
    if (!this.side_) return;
    const size = this.side_, ctx = context(this.plane.querySelector('canvas'), size, size);
    const timeline = this.timelines[this.data.plane.timeline];
    ctx.fillStyle = mix(this.colour.text, 0.06);
    ctx.roundRect(0, 0, size, size, 4);
    ctx.fill();
    ctx.fillStyle = mix(this.colour.text, 0.25);
    ctx.fillRect(size / 2, 40, 1, size - 80);
    ctx.fillRect(8, size / 2, size - 16, 1);
    ctx.lineWidth = 1;
    ctx.strokeStyle = mix(this.colour.text, 0.3);
    ctx.beginPath();
    for (let i = 0; i < timeline.count; i++) {
      if (!timeline.silent(i)) ctx.lineTo(...this.place(this.points[2 * i], this.points[2 * i + 1], size));
    }
    ctx.stroke();
    for (let i = 0; i < timeline.count; i++) {
      if (timeline.silent(i)) continue;
      const [[k]] = timeline.top(timeline.middle(i), 1);
      ctx.beginPath();
      ctx.arc(...this.place(this.points[2 * i], this.points[2 * i + 1], size), 3, 0, 7);
      ctx.fillStyle = timeline.classes[k][1];
      ctx.fill();
    }
    ctx.textBaseline = 'middle';
    for (const { at: [valence, arousal], classes, words } of this.data.plane.corners) {
      const right = valence > 0, x = right ? size - 8 : 8, y = arousal > 0 ? 16 : size - 30;
      ctx.textAlign = right ? 'right' : 'left';
      ctx.font = `600 12px ${this.font}`;
      ctx.fillStyle = this.colour.text;
      ctx.fillText(classes.map((k) => timeline.classes[k][0]).join(' · '), x, y);
      ctx.font = `11px ${this.font}`;
      ctx.fillStyle = mix(this.colour.text, 0.75);
      ctx.fillText(words, x, y + 15);
    }
    ctx.textAlign = 'center';
    ctx.fillText('Arousal ↑', size / 2, 16);
    ctx.textAlign = 'right';
    ctx.fillText('Valence →', size - 8, size / 2 - 10);
  }
}

/** A file's address as the page's server has it, also where the app lives below a path. */
function address(url) {
  return url && new URL(`.${url}`, document.baseURI).href;
}

function dispose(audio) {
  audio.onplay = audio.onpause = audio.onended = audio.ontimeupdate = audio.onerror = null;
  audio.pause();
  audio.removeAttribute('src');
  audio.load();
  audio.remove();
}

/** A cleared canvas of a size in CSS pixels, as sharp as the screen. */
function context(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const ctx = canvas.getContext('2d');
  ctx.scale(ratio, ratio);
  return ctx;
}

function rgb(colour) {
  return [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
}

function mix(colour, opacity) {
  return /^#[0-9a-f]{6}$/i.test(colour) ? `rgba(${rgb(colour).join()},${opacity})` : `rgba(128,128,128,${opacity})`;
}

/** Whether dark words are easier to read on a colour than white ones. */
function light(colour) {
  const [r, g, b] = rgb(colour).map((v) => (v / 255 <= 0.04 ? v / 3294 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18;
}

function outlined(ctx, text, x, y) {
  ctx.lineWidth = 3;
  ctx.strokeStyle = '#000c';
  ctx.strokeText(text, x, y);
  ctx.fillStyle = '#fff';
  ctx.fillText(text, x, y);
}
