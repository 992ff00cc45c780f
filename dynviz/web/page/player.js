// The clock: which frame is shown, and when the next one is.
class Player {
  constructor(film, changed) {
    Object.assign(this, {film, changed, frame: 0, timer: 0, played: 0, due: 0, speed: 1});
    this.last = film.steps.length - 1;
  }
  get playing() { return this.timer !== 0; }
  // To a frame, where it stands still.
  seek(frame) {
    this.stop();
    this.frame = Math.max(0, Math.min(this.last, frame));
    this.changed();
  }
  stop() {
    clearTimeout(this.timer);
    this.timer = 0;
  }
  pause() {
    this.stop();
    this.changed();
  }
  start() {
    if (this.frame === this.last) this.frame = 0;
    this.played = 0;
    this.due = performance.now();
    this.wait();
    this.changed();
  }
  toggle() { this.playing ? this.pause() : this.start(); }
  go(by) { this.seek(this.frame + by); }
  // Timers count whole milliseconds: what one is late, the next one is early, unless the page stood still.
  wait() {
    const now = performance.now();
    this.due = Math.max(this.due, now - 100) + 1000 * this.film.seconds[this.frame] / this.speed;
    this.timer = setTimeout(() => this.tick(), this.due - now);
  }
  tick() {
    if (this.frame === this.last) {
      this.played += 1;
      if (this.film.loop && this.played >= this.film.loop) return this.pause();
      this.frame = 0;
    } else {
      this.frame += 1;
    }
    this.wait();
    this.changed();
  }
  // The frame whose step is nearest.
  nearest(step) {
    const {steps} = this.film;
    return steps.reduce((best, one, index) => Math.abs(one - step) < Math.abs(steps[best] - step) ? index : best, 0);
  }
}
