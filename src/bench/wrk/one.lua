-- One request, again and again: METHOD. wrk formats it once and runs no Lua after that.

function init(arguments)
  wrk.method = arguments[1]
end
