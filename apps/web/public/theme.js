// Before the first paint, so that a dark page does not flash white; in a file, since the policy forbids inline code.
(() => {
  const chosen = localStorage.getItem('millrace-theme');
  const dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
})();
