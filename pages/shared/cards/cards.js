// The cards in the browser. Streamlit calls the default function when they are mounted and whenever their data change.

const BARS = 48;
const PLAY = 'M7 4.5v15l12.5-7.5z', PAUSE = 'M6.5 5h4v14h-4zM13.5 5h4v14h-4z';

const drawn = new WeakMap(); // what a list shows

export default function ({ data: [data], parentElement, setTriggerValue }) {
  const list = parentElement.querySelector('.cards'), content = JSON.stringify(data);
  if (drawn.get(list)?.content === content) {
    list.querySelector('.opening')?.classList.remove('opening');
    return () => drawn.get(list).sound.stop();
  }
  drawn.get(list)?.sound.stop();
  const sound = new Sound();
  drawn.set(list, { content, sound });
  list.className = data.compact ? 'cards' : 'cards tiles';
  list.replaceChildren(...data.cards.map((card) => {
    const item = make('li', `card${card.name === data.chosen ? ' chosen' : ''}`);
    const open = make('button', 'open', item), cover = make('span', 'cover', open), text = make('span', 'text', open);
    make('img', '', cover, { src: address(card.cover), alt: '' });
    make('span', 'wave', cover).style.maskImage = wave(card.peaks);
    make('span', 'mark', cover).textContent = 'Open';
    make('b', '', text).textContent = card.title;
    make('span', 'artist', text).textContent = card.artist;
    const chips = make('span', 'chips', text);
    for (const [name, colour] of card.chips) {
      const chip = make('span', '', chips);
      make('i', '', chip).style.background = colour;
      chip.append(name);
    }
    open.type = 'button';
    open.setAttribute('aria-current', card.name === data.chosen);
    open.setAttribute('aria-label', `Open ${card.title} by ${card.artist}: ${card.chips.map(([name]) => name).join(', ')}`);
    open.onclick = () => {
      item.classList.add('opening');
      sound.stop();
      setTriggerValue('open', card.name);
    };
    const play = make('button', 'play', item, { type: 'button' });
    play.innerHTML = '<svg viewBox="0 0 24 24" aria-hidden="true"><path /></svg>';
    play.onclick = () => sound.toggle(item, card);
    sound.show(item, card, false);
    return item;
  }));
  return () => sound.stop();
}

/** What plays: one card's clip, and nothing else on the page. */
class Sound {
  toggle(item, card) {
    const mine = this.item === item;
    this.stop();
    if (mine) return;
    window.sounding?.stop(); // as in player.js
    window.sounding = this;
    const audio = new Audio(address(card.sound));
    audio.ontimeupdate = () => item.style.setProperty('--played', `${(100 * audio.currentTime) / audio.duration}%`);
    audio.onended = audio.onerror = () => this.stop();
    audio.play().catch(() => this.stop());
    Object.assign(this, { item, card, audio });
    this.show(item, card, true);
  }

  stop() {
    if (!this.audio) return;
    this.audio.ontimeupdate = this.audio.onended = this.audio.onerror = null;
    this.audio.pause();
    this.item.style.removeProperty('--played');
    this.show(this.item, this.card, false);
    this.audio = this.item = null;
  }

  show(item, card, playing) {
    const button = item.querySelector('.play');
    button.setAttribute('aria-label', `${playing ? 'Stop' : 'Play'} ${card.title}`);
    button.querySelector('path').setAttribute('d', playing ? PAUSE : PLAY);
  }
}

function make(tag, className, parent, properties = {}) {
  const made = Object.assign(document.createElement(tag), { className }, properties);
  parent?.append(made);
  return made;
}

/** A waveform as bars, an image to mask with. */
function wave(peaks) {
  const values = Uint8Array.from(atob(peaks), (c) => c.charCodeAt(0)), step = values.length / BARS;
  const heights = Array.from({ length: BARS }, (_, i) => values.slice(i * step, (i + 1) * step).reduce((a, b) => a + b, 0) / step);
  const loudest = Math.max(1, ...heights);
  const bars = heights.map((height, i) => {
    const y = Math.max(1, (20 * height) / loudest);
    return `M${i * 2} ${(20 - y) / 2}h1.2v${y}h-1.2z`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${2 * BARS - 0.8} 20" preserveAspectRatio="none"><path d="${bars.join('')}"/></svg>`;
  return `url("data:image/svg+xml,${encodeURIComponent(svg)}")`;
}

/** A file's address as the page's server has it, also where the app lives below a path. */
function address(url) {
  return url && new URL(`.${url}`, document.baseURI).href;
}
