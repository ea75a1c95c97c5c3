// Plays all stems of a remix together. It decodes the sounds of the page's own players, so that the
// stems start on the same sample; while no stem is muted or alone, the finished mix is heard.
(() => {
  "use strict";
  const band = document.getElementById("band");
  const rows = [...band.querySelectorAll(".row")].filter((row) => row.querySelector("audio"));
  if (!rows.length || !window.AudioContext) return; // the plain players stay

  const seconds = Number(band.dataset.seconds);
  const heard = Number(band.dataset.heard);
  const [play, clock, seek, fit] = ["play", "clock", "seek", "fit"].map((id) =>
    document.getElementById(id));
  const timeline = band.querySelector(".timeline");
  const lanes = band.querySelector(".lanes");
  const cursor = band.querySelector(".cursor");
  const hasMix = rows.some((row) => row.dataset.kind === "mix");
  let context, channels, startedAt, drawing;
  let position = 0;
  let playing = false;

  const clockText = (value) =>
    `${Math.floor(value / 60)}:${String(Math.floor(value % 60)).padStart(2, "0")}`;
  const pressed = (row, name) =>
    row.querySelector(`.${name}`)?.getAttribute("aria-pressed") === "true";

  // What is heard of each row: 1 or 0.
  function gains() {
    const stems = rows.filter((row) => row.dataset.kind === "stem");
    const alone = stems.some((row) => pressed(row, "alone"));
    const sounds = (row) => (alone ? pressed(row, "alone") : !pressed(row, "mute"));
    const useMix = hasMix && stems.every((row) => sounds(row) && !pressed(row, "alone"));
    for (const row of stems) row.classList.toggle("off", !sounds(row));
    return rows.map((row) => Number((row.dataset.kind === "mix") === useMix && (useMix || sounds(row))));
  }

  function setGains() {
    const values = gains();
    channels?.forEach(({ gain }, index) => // 10 ms: fast, and no click
      gain.gain.setTargetAtTime(values[index], context.currentTime, 0.01));
  }

  async function decode() {
    context = new AudioContext();
    const values = gains();
    let done = 0;
    channels = await Promise.all(rows.map(async (row, index) => {
      const gain = new GainNode(context, { gain: values[index] });
      gain.connect(context.destination);
      const sound = await fetch(row.querySelector("audio").src); // inside the page: no network
      const buffer = await context.decodeAudioData(await sound.arrayBuffer());
      done += 1;
      play.textContent = `Loading ${done} of ${rows.length}`;
      return { gain, buffer };
    }));
  }

  function start() {
    const at = context.currentTime + 0.05; // one moment for all of them
    for (const channel of channels) {
      channel.source = new AudioBufferSourceNode(context, { buffer: channel.buffer });
      channel.source.connect(channel.gain);
      channel.source.start(at, position);
    }
    startedAt = at - position;
    playing = true;
    play.textContent = "Pause";
    draw();
  }

  function stop() {
    position = now();
    for (const channel of channels) channel.source.stop();
    playing = false;
    play.textContent = "Play";
    cancelAnimationFrame(drawing);
  }

  function now() {
    if (!playing) return position;
    const sounding = context.currentTime - (context.outputLatency || 0) - startedAt;
    return Math.min(heard, Math.max(0, sounding));
  }

  function moveTo(value) {
    const goOn = playing;
    if (goOn) stop();
    position = Math.min(heard, Math.max(0, value));
    if (goOn) start();
    else draw();
  }

  function draw() {
    const value = now();
    const time = `${clockText(value)} of ${clockText(heard)}`;
    lanes.style.setProperty("--at", value / seconds);
    cursor.hidden = false;
    clock.textContent = time;
    seek.value = value;
    seek.setAttribute("aria-valuetext", time);
    if (!playing) return;
    const x = (value / seconds) * lanes.clientWidth - timeline.scrollLeft;
    if (x < 0 || x > timeline.clientWidth * 0.95)
      timeline.scrollLeft += x - timeline.clientWidth * 0.1;
    if (value >= heard) {
      stop();
      moveTo(0);
    } else drawing = requestAnimationFrame(draw);
  }

  play.addEventListener("click", async () => {
    if (playing) return stop();
    if (position >= heard) position = 0;
    play.disabled = true;
    play.textContent = "Loading";
    try {
      if (!channels) await decode();
      await context.resume();
      start();
    } catch (error) {
      band.classList.remove("mixing"); // each stem by itself, then
      band.querySelector(".transport").hidden = true;
      console.error(error);
    }
    play.disabled = false;
  });
  seek.addEventListener("input", () => moveTo(Number(seek.value)));
  fit.addEventListener("click", () =>
    fit.setAttribute("aria-pressed", band.classList.toggle("fit")));
  band.addEventListener("click", ({ target, clientX }) => {
    const button = target.closest(".mute, .alone");
    if (button) {
      button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") === "false");
      setGains();
    } else if (target.closest(".area")) {
      const box = lanes.getBoundingClientRect();
      moveTo(((clientX - box.left) / box.width) * seconds);
    }
  });

  // Offered where the rows are wider than the window.
  const offerFit = () => {
    fit.hidden = !band.classList.contains("fit") && lanes.clientWidth <= timeline.clientWidth;
  };
  window.addEventListener("resize", offerFit);

  band.classList.add("mixing");
  for (const part of band.querySelectorAll(".transport, .keys")) part.hidden = false;
  offerFit();
})();
