# Builds the C core by plain compiler calls, as anybody would: one object for each C file, then the library.
#   make -f tests/demo/core.mk PYTHON=python3
PYTHON := python3
INCLUDES := $(shell pkg-config --cflags fuse3) \
	-I$(shell $(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("include"))')
SOURCES := $(wildcard mycelial/core/src/*.c)
OBJECTS := $(SOURCES:mycelial/core/src/%.c=build/%.o)

build/core.so: $(OBJECTS)
	$(CC) -shared -o $@ $(OBJECTS)

build/%.o: mycelial/core/src/%.c | build
	$(CC) -fPIC $(INCLUDES) -c -o $@ $<

build:
	mkdir -p $@

# The headers of each object as the compiler knows them, to compare with.
.PHONY: headers
headers:
	@$(foreach source,$(SOURCES),$(CC) $(INCLUDES) -MM $(source);)
