# Why: toml_shim.cc.
$(BUILD)/obj/libcommon/base/toml_shim.o: CXXFLAGS_ALL += -fexceptions
